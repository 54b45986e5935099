#!/usr/bin/env bats
# The museum of wrong servers: each exhibit has one mistake, and the tests catch it. Here each exhibit is shown to the
# first check that it names; `make check` (MUSEUM=all) shows it to all of them, and all but the named ones must pass.
# Slow: each mistake makes a check wait for what does not come.

load helpers

exhibit() { bash "$TOP/tests/museum.bash" "$TOP/tests/museum/$1.diff"; }

@test "museum: every exhibit has its place here" {
    local file
    for file in "$TOP"/tests/museum/*.diff; do
        file=$(basename "$file" .diff)
        grep -q "{ exhibit $file; }" "$BATS_TEST_FILENAME" || grep -q '^Measured by: ' "$TOP/tests/museum/$file.diff"
    done
}

@test "museum: blocking_write" { exhibit blocking_write; }
@test "museum: char_eof" { exhibit char_eof; }
@test "museum: closed_log" { exhibit closed_log; }
@test "museum: designs_child_listens" { exhibit designs_child_listens; }
@test "museum: designs_fork_in_thread" { exhibit designs_fork_in_thread; }
@test "museum: designs_orphans" { exhibit designs_orphans; }
@test "museum: designs_parent_keeps" { exhibit designs_parent_keeps; }
@test "museum: designs_race" { exhibit designs_race; }
@test "museum: designs_zombies" { exhibit designs_zombies; }
@test "museum: emfile_spin" { exhibit emfile_spin; }
@test "museum: exit_on_reset" { exhibit exit_on_reset; }
@test "museum: fd_setsize" { exhibit fd_setsize; }
@test "museum: half_close" { exhibit half_close; }
@test "museum: loop_forgets_dropped" { exhibit loop_forgets_dropped; }
@test "museum: loop_forgets_written" { exhibit loop_forgets_written; }
@test "museum: menu_escape" { exhibit menu_escape; }
@test "museum: menu_long_line" { exhibit menu_long_line; }
@test "museum: menu_rst" { exhibit menu_rst; }
@test "museum: menu_telnet" { exhibit menu_telnet; }
@test "museum: one_at_a_time" { exhibit one_at_a_time; }
@test "museum: reuseaddr" { exhibit reuseaddr; }
@test "museum: short_write" { exhibit short_write; }
@test "museum: signal_starved" { exhibit signal_starved; }
@test "museum: sigpipe" { exhibit sigpipe; }
@test "museum: strlen" { exhibit strlen; }
@test "museum: unbounded" { exhibit unbounded; }
@test "museum: write_interest" { exhibit write_interest; }
@test "museum: menu_one_read_one_line" { exhibit menu_one_read_one_line; }
@test "museum: chat_blocking_write" { exhibit chat_blocking_write; }
@test "museum: chat_burst" { exhibit chat_burst; }
@test "museum: chat_format" { exhibit chat_format; }
@test "museum: chat_nick_nul" { exhibit chat_nick_nul; }
@test "museum: chat_one_read_one_line" { exhibit chat_one_read_one_line; }
@test "museum: chat_own_line" { exhibit chat_own_line; }
@test "museum: client_early_ack" { exhibit client_early_ack; }
@test "museum: client_long_temporary" { exhibit client_long_temporary; }
@test "museum: client_overwrites" { exhibit client_overwrites; }
@test "museum: client_trusts_name" { exhibit client_trusts_name; }
@test "museum: file_believes_size" { exhibit file_believes_size; }
@test "museum: file_half_visible" { exhibit file_half_visible; }
@test "museum: file_in_memory" { exhibit file_in_memory; }
@test "museum: file_joined_path" { exhibit file_joined_path; }
@test "museum: file_leftovers" { exhibit file_leftovers; }
@test "museum: file_no_limit" { exhibit file_no_limit; }
@test "museum: file_one_for_all" { exhibit file_one_for_all; }
@test "museum: frame_length" { exhibit frame_length; }
@test "museum: im_ack_before_storing" { exhibit im_ack_before_storing; }
@test "museum: im_closed_stderr" { exhibit im_closed_stderr; }
@test "museum: im_forgets_sent" { exhibit im_forgets_sent; }
@test "museum: im_length_torn" { exhibit im_length_torn; }
@test "museum: im_one_read_one_frame" { exhibit im_one_read_one_frame; }
@test "museum: im_rewrite_in_one_go" { exhibit im_rewrite_in_one_go; }
@test "museum: im_strcpy_name" { exhibit im_strcpy_name; }
@test "museum: json_surrogates" { exhibit json_surrogates; }
@test "museum: xml_ampersand" { exhibit xml_ampersand; }
@test "museum: xmpp_any_end_tag" { exhibit xmpp_any_end_tag; }
@test "museum: xmpp_doctype_skipped" { exhibit xmpp_doctype_skipped; }
@test "museum: xmpp_endless_stanza" { exhibit xmpp_endless_stanza; }
@test "museum: xmpp_one_read_one_stanza" { exhibit xmpp_one_read_one_stanza; }
@test "museum: xmpp_prefix_is_name" { exhibit xmpp_prefix_is_name; }
@test "museum: xmpp_same_parser" { exhibit xmpp_same_parser; }
@test "museum: xmpp_tells_names" { exhibit xmpp_tells_names; }
@test "museum: xmpp_from_believed" { exhibit xmpp_from_believed; }
@test "museum: xmpp_text_not_escaped" { exhibit xmpp_text_not_escaped; }
@test "museum: xmpp_kept_again" { exhibit xmpp_kept_again; }
@test "museum: xmpp_negative_fetches" { exhibit xmpp_negative_fetches; }
@test "museum: xmpp_older_stays" { exhibit xmpp_older_stays; }
@test "museum: xmpp_dead_is_there" { exhibit xmpp_dead_is_there; }
@test "museum: xmpp_error_for_error" { exhibit xmpp_error_for_error; }
@test "museum: xmpp_case_matters" { exhibit xmpp_case_matters; }
@test "museum: xmpp_unread_end" { exhibit xmpp_unread_end; }
@test "museum: xmpp_judges_unasked" { exhibit xmpp_judges_unasked; }
@test "museum: xmpp_late_farewell" { exhibit xmpp_late_farewell; }
@test "museum: proxy_half_close" { exhibit proxy_half_close; }
@test "museum: proxy_fin_overtakes" { exhibit proxy_fin_overtakes; }
@test "museum: proxy_reset_as_fin" { exhibit proxy_reset_as_fin; }
@test "museum: heartbeat_any_byte" { exhibit heartbeat_any_byte; }
@test "museum: heartbeat_blames" { exhibit heartbeat_blames; }
@test "museum: heartbeat_client_blames" { exhibit heartbeat_client_blames; }
@test "museum: heartbeat_closed_stdout" { exhibit heartbeat_closed_stdout; }
@test "museum: heartbeat_first_address" { exhibit heartbeat_first_address; }
@test "museum: heartbeat_first_takes_all" { exhibit heartbeat_first_takes_all; }
@test "museum: heartbeat_fixed_tick" { exhibit heartbeat_fixed_tick; }
@test "museum: heartbeat_half_line" { exhibit heartbeat_half_line; }
@test "museum: heartbeat_last_heard" { exhibit heartbeat_last_heard; }
@test "museum: heartbeat_no_backoff" { exhibit heartbeat_no_backoff; }
@test "museum: heartbeat_no_dedup" { exhibit heartbeat_no_dedup; }
@test "museum: heartbeat_no_reset" { exhibit heartbeat_no_reset; }
@test "museum: heartbeat_wall_clock" { exhibit heartbeat_wall_clock; }
@test "museum: mqtt_dup" { exhibit mqtt_dup; }
@test "museum: mqtt_endless_length" { exhibit mqtt_endless_length; }
@test "museum: mqtt_hash_sees_all" { exhibit mqtt_hash_sees_all; }
@test "museum: mqtt_no_first_packet" { exhibit mqtt_no_first_packet; }
@test "museum: mqtt_no_will" { exhibit mqtt_no_will; }
@test "museum: mqtt_qos2_twice" { exhibit mqtt_qos2_twice; }
@test "museum: mqtt_retain_for_all" { exhibit mqtt_retain_for_all; }
@test "museum: mqtt_shared_ids" { exhibit mqtt_shared_ids; }
@test "museum: mqtt_talks_to_itself" { exhibit mqtt_talks_to_itself; }
@test "museum: udp_backoff_burst" { exhibit udp_backoff_burst; }
@test "museum: udp_echo_storm" { exhibit udp_echo_storm; }
@test "museum: udp_empty_is_end" { exhibit udp_empty_is_end; }
@test "museum: udp_karn" { exhibit udp_karn; }
@test "museum: udp_no_backoff" { exhibit udp_no_backoff; }
@test "museum: udp_small_buffer" { exhibit udp_small_buffer; }
@test "museum: udp_strlen" { exhibit udp_strlen; }
@test "museum: udp_truncation" { exhibit udp_truncation; }
@test "museum: udp_trusts_content" { exhibit udp_trusts_content; }
@test "museum: udp_trusts_source" { exhibit udp_trusts_source; }
@test "museum: udp_unbounded_link" { exhibit udp_unbounded_link; }
@test "museum: udp_judges_unread" { exhibit udp_judges_unread; }
@test "museum: udp_wrong_address" { exhibit udp_wrong_address; }
@test "museum: tftp_any_tid" { exhibit tftp_any_tid; }
@test "museum: tftp_apprentice" { exhibit tftp_apprentice; }
@test "museum: tftp_client_source" { exhibit tftp_client_source; }
@test "museum: tftp_early_ack" { exhibit tftp_early_ack; }
@test "museum: tftp_fifo" { exhibit tftp_fifo; }
@test "museum: tftp_forever" { exhibit tftp_forever; }
@test "museum: tftp_half_file" { exhibit tftp_half_file; }
@test "museum: tftp_last_block" { exhibit tftp_last_block; }
@test "museum: tftp_netascii" { exhibit tftp_netascii; }
@test "museum: tftp_no_backoff" { exhibit tftp_no_backoff; }
@test "museum: tftp_symlink" { exhibit tftp_symlink; }
@test "museum: tftp_traversal" { exhibit tftp_traversal; }
@test "museum: tftp_reads_again" { exhibit tftp_reads_again; }
@test "museum: tftp_oversleeps" { exhibit tftp_oversleeps; }
@test "museum: tftp_disk_stops_all" { exhibit tftp_disk_stops_all; }
@test "museum: tftp_wrap" { exhibit tftp_wrap; }
@test "museum: ws_guid_case" { exhibit ws_guid_case; }
@test "museum: ws_unmasked" { exhibit ws_unmasked; }
@test "museum: ws_host_order" { exhibit ws_host_order; }
@test "museum: ws_long_ping" { exhibit ws_long_ping; }
@test "museum: ws_offered_is_heard" { exhibit ws_offered_is_heard; }
@test "museum: ws_interleaved" { exhibit ws_interleaved; }
@test "museum: ws_judges_first" { exhibit ws_judges_first; }
@test "museum: ws_utf8_frame" { exhibit ws_utf8_frame; }
@test "museum: ws_slow_reader" { exhibit ws_slow_reader; }
@test "museum: ws_one_read" { exhibit ws_one_read; }
@test "museum: ws_share_of_bytes" { exhibit ws_share_of_bytes; }
@test "museum: ws_close_silent" { exhibit ws_close_silent; }
@test "museum: ws_client_trusting" { exhibit ws_client_trusting; }
@test "museum: ws_client_same_mask" { exhibit ws_client_same_mask; }
