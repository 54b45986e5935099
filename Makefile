# One file builds, demonstrates, tests, checks and measures the course: `make help` lists how.
# Plain rules only, so that GNU make (3.81, too) and bmake both read it. A new program touches two places here: the list, and a rule.

PROGRAMS_01 = 01-echo/echo_once 01-echo/echo_select 01-echo/echo_server 01-echo/echo_client 01-echo/menu_server \
	01-echo/echo_bench
PROGRAMS_01_DESIGNS = 01-echo/designs/echo_fork 01-echo/designs/echo_prefork 01-echo/designs/echo_threads \
	01-echo/designs/echo_poll
PROGRAMS_02 = 02-group-chat/chat_server 02-group-chat/chat_client
PROGRAMS_03 = 03-custom-protocol/im_server 03-custom-protocol/im_client 03-custom-protocol/file_server
PROGRAMS_03_XMPP = 03-custom-protocol/xmpp/xmpp_server
PROGRAMS_04 = 04-heartbeat/heartbeat_server 04-heartbeat/heartbeat_client 04-heartbeat/backoff 04-heartbeat/flaky_proxy
PROGRAMS_04_MQTT = 04-heartbeat/mqtt/mqtt_broker 04-heartbeat/mqtt/mqtt_client
PROGRAMS_05 = 05-udp/udp_echo_server 05-udp/udp_echo_client
PROGRAMS_05_TFTP = 05-udp/tftp/tftp_server 05-udp/tftp/tftp_client
PROGRAMS_06 = 06-websocket-handshake/ws_server 06-websocket-handshake/ws_client
PROGRAMS    = $(PROGRAMS_01) $(PROGRAMS_01_DESIGNS) $(PROGRAMS_02) $(PROGRAMS_03) $(PROGRAMS_03_XMPP) $(PROGRAMS_04) $(PROGRAMS_04_MQTT) $(PROGRAMS_05) $(PROGRAMS_05_TFTP) \
	$(PROGRAMS_06)
LESSONS     = 01 02 03 04 05 06
WINGS       = designs xmpp mqtt tftp
TOOLS       = tests/poke tests/crowd tests/codec tests/im_talk tests/im_crowd tests/im_journal tests/courier tests/pulse tests/udp_relay \
	tests/ws_cases tests/ws_modules tests/ws_peer tests/loop_server tests/mqtt_modules tests/xmpp_modules

CFLAGS = -std=c11 -pedantic -Wall -Wextra -O2
COMPILE = cd $(@D) && $(CC) $(CFLAGS) $(LDFLAGS) -o $(@F)

all: $(PROGRAMS)

tools: $(TOOLS)

.SUFFIXES:

# Each program is compiled in its folder, from the files that its header comment names.
LOOP = loop.c buffer.c listen.c signals.c wire.c

$(PROGRAMS_01): 01-echo/*.[ch]
01-echo/echo_once:
	$(COMPILE) echo_once.c
01-echo/echo_select:
	$(COMPILE) echo_select.c
01-echo/echo_server:
	$(COMPILE) echo_server.c $(LOOP)
01-echo/menu_server:
	$(COMPILE) menu_server.c lines.c text.c $(LOOP)
01-echo/echo_client:
	$(COMPILE) echo_client.c text.c connect.c signals.c wire.c
01-echo/echo_bench:
	$(COMPILE) echo_bench.c connect.c signals.c wire.c

$(PROGRAMS_01_DESIGNS): 01-echo/designs/*.[ch]
DESIGN = options.c echo.c listen.c signals.c wire.c
01-echo/designs/echo_fork:
	$(COMPILE) echo_fork.c $(DESIGN)
01-echo/designs/echo_prefork:
	$(COMPILE) echo_prefork.c $(DESIGN)
01-echo/designs/echo_threads:
	cd $(@D) && $(CC) -pthread $(CFLAGS) $(LDFLAGS) -o $(@F) echo_threads.c $(DESIGN)
01-echo/designs/echo_poll:
	$(COMPILE) echo_poll.c $(DESIGN)

$(PROGRAMS_02): 02-group-chat/*.[ch]
02-group-chat/chat_server:
	$(COMPILE) chat_server.c lines.c text.c $(LOOP)
02-group-chat/chat_client:
	$(COMPILE) chat_client.c queue.c editor.c width.c lines.c text.c terminal.c connect.c signals.c wire.c

MESSAGE = frame.c message.c message_text.c message_json.c message_xml.c message_parts.c text.c

$(PROGRAMS_03): 03-custom-protocol/*.[ch]
03-custom-protocol/im_server:
	$(COMPILE) im_server.c session.c batch.c journal.c record.c crc32.c post.c accounts.c passwords.c secret.c letter.c request.c say.c show_frame.c $(MESSAGE) $(LOOP)
03-custom-protocol/im_client:
	$(COMPILE) im_client.c commands.c delivery.c transfer.c crc32.c talk.c conn.c screen.c dice.c show_frame.c $(MESSAGE) connect.c signals.c wire.c
03-custom-protocol/file_server:
	$(COMPILE) file_server.c store.c dice.c request.c say.c show_frame.c $(MESSAGE) $(LOOP)

$(PROGRAMS_03_XMPP): 03-custom-protocol/xmpp/*.[ch]
03-custom-protocol/xmpp/xmpp_server:
	$(COMPILE) xmpp_server.c query.c talk.c login.c scram.c sha1.c base64.c peer.c people.c passwords.c secret.c jid.c dice.c show_stanza.c xml_tree.c xml_stream.c xml_token.c text.c $(LOOP)

$(PROGRAMS_04): 04-heartbeat/*.[ch]
04-heartbeat/heartbeat_server:
	$(COMPILE) heartbeat_server.c number.c lines.c text.c $(LOOP)
04-heartbeat/heartbeat_client:
	$(COMPILE) heartbeat_client.c session.c outbox.c probes.c connection.c attempt.c reader.c retry.c number.c log.c lines.c text.c connect.c signals.c wire.c
04-heartbeat/backoff:
	$(COMPILE) backoff.c retry.c wire.c
04-heartbeat/flaky_proxy:
	$(COMPILE) flaky_proxy.c pair.c attempt.c flow.c reader.c lines.c text.c listen.c connect.c signals.c wire.c

$(PROGRAMS_04_MQTT): 04-heartbeat/mqtt/*.[ch]
MQTT = show_packet.c packet.c text.c
04-heartbeat/mqtt/mqtt_broker:
	$(COMPILE) mqtt_broker.c outgoing.c session.c topic.c message.c $(MQTT) $(LOOP)
04-heartbeat/mqtt/mqtt_client:
	$(COMPILE) mqtt_client.c arguments.c talk.c talk_packet.c delivery.c stream.c input.c queue.c $(MQTT) attempt.c retry.c log.c connect.c signals.c wire.c

$(PROGRAMS_05): 05-udp/*.[ch]
05-udp/udp_echo_server:
	$(COMPILE) udp_echo_server.c link.c datagram.c signals.c wire.c
05-udp/udp_echo_client:
	$(COMPILE) udp_echo_client.c server.c filter.c text.c window.c rtt.c datagram.c connect.c signals.c wire.c

$(PROGRAMS_05_TFTP): 05-udp/tftp/*.[ch]
TFTP = transfer.c netascii.c packet_io.c packet.c text.c rtt.c datagram.c
05-udp/tftp/tftp_server:
	$(COMPILE) tftp_server.c job.c folder.c draft.c $(TFTP) signals.c wire.c
05-udp/tftp/tftp_client:
	$(COMPILE) tftp_client.c local.c draft.c $(TFTP) connect.c signals.c wire.c

$(PROGRAMS_06): 06-websocket-handshake/*.[ch]
06-websocket-handshake/ws_server:
	$(COMPILE) ws_server.c page.c frame.c handshake.c room.c http.c base64.c sha1.c utf8.c text.c $(LOOP)
06-websocket-handshake/ws_client:
	$(COMPILE) ws_client.c websocket.c queue.c url.c frame.c handshake.c http.c base64.c sha1.c utf8.c dice.c text.c connect.c signals.c wire.c

# What the tests use, beside them.
POKE     = poke_script.c poke_words.c poke_stream.c poke_load.c poke_datagram.c poke_exchange.c poke_conn.c poke_report.c \
	poke_xml.c poke_bytes.c
M        = ../03-custom-protocol
MESSAGES = $(M)/frame.c $(M)/message.c $(M)/message_text.c $(M)/message_json.c $(M)/message_xml.c $(M)/message_parts.c $(M)/text.c
W        = ../06-websocket-handshake
FRAMES   = $(W)/frame.c $(W)/handshake.c $(W)/http.c $(W)/base64.c $(W)/sha1.c $(W)/utf8.c

$(TOOLS): tests/*.[ch]
tests/poke: 01-echo/*.[ch]
	$(COMPILE) poke.c $(POKE) ../01-echo/wire.c
tests/crowd tests/courier tests/pulse tests/udp_relay:
	$(COMPILE) $(@F).c
tests/ws_cases:
	$(COMPILE) ws_cases.c ws_words.c
O        = ../01-echo
tests/loop_server: 01-echo/*.[ch]
	$(COMPILE) loop_server.c $(O)/loop.c $(O)/buffer.c $(O)/listen.c $(O)/signals.c $(O)/wire.c
tests/codec tests/im_talk: 03-custom-protocol/*.[ch]
	$(COMPILE) $(@F).c $(MESSAGES)
tests/im_crowd: 03-custom-protocol/*.[ch] tests/im_person.h
	$(COMPILE) im_crowd.c im_person.c $(MESSAGES) $(M)/wire.c
tests/im_journal: 03-custom-protocol/*.[ch]
	$(COMPILE) im_journal.c $(M)/journal.c $(M)/record.c $(M)/crc32.c $(M)/signals.c $(M)/wire.c $(MESSAGES)
tests/ws_modules tests/ws_peer: 06-websocket-handshake/*.[ch]
	$(COMPILE) $(@F).c $(FRAMES)
Q        = ../04-heartbeat/mqtt
tests/mqtt_modules: 04-heartbeat/mqtt/*.[ch]
	$(COMPILE) mqtt_modules.c mqtt_topics.c mqtt_sessions.c $(Q)/session.c $(Q)/topic.c $(Q)/message.c $(Q)/packet.c $(Q)/text.c $(Q)/wire.c
X        = ../03-custom-protocol/xmpp
tests/xmpp_modules: 03-custom-protocol/xmpp/*.[ch]
	$(COMPILE) xmpp_modules.c xmpp_scram.c xmpp_xml.c $(X)/scram.c $(X)/secret.c $(X)/base64.c $(X)/sha1.c $(X)/xml_tree.c $(X)/xml_stream.c $(X)/xml_token.c $(X)/jid.c \
		$(X)/text.c $(X)/buffer.c

help:
	@echo 'make              build all programs, each beside its source'
	@echo 'make tools        build what the tests use: tests/poke, tests/crowd, tests/codec, tests/im_talk, ...'
	@echo 'make demo         play all lessons, each with its wings, one after another'
	@echo 'make demo-01      play lesson 01 (demo-designs: its wing "designs"; demo-tftp: that of lesson 05)'
	@echo 'make test         run every test (needs Bats, or npm to fetch it)'
	@echo 'make test-01      run the tests of lesson 01; to grade a server of your own:'
	@echo '                      make test-01 ECHO_SERVER=./my_server'
	@echo 'make exercise-01-1 ECHO_SERVER=./mine/echo_server'
	@echo '                  is your solution of that exercise right? Red or green, in words'
	@echo 'make card CARD=utf8_length'
	@echo '                  print a function with all that it needs (LESSON=02: that of lesson 02)'
	@echo 'make check        format, compilers, static analysis, sanitizers, fuzzers, valgrind, the museum'
	@echo 'make bench        measure for some minutes (ROUNDS=7: a quarter of an hour, and steadier), and write the pages in tests/bench'
	@echo 'make race         one worker for each client, or one loop? A part of make bench, three minutes: tests/bench/08-designs.md'
	@echo 'make museum       the museum of wrong servers: what do you see? (SYMPTOM="it hangs": the exhibits with that,'
	@echo '                  EXHIBIT=short_write: one of them, and how to try it)'
	@echo 'make single PROGRAM=02-group-chat/chat_server'
	@echo '                  print that program as one C file, modules included'
	@echo 'make clean        remove what was built'

# A lesson has a number, the wing behind it a name. Both are a folder with a page and a demo.
DEMOS = $(LESSONS:%=demo-%) $(WINGS:%=demo-%)
TESTS = $(LESSONS:%=test-%) $(WINGS:%=test-%)

demo: all
	@for demo in $$(ls 0*/demo.sh 0*/*/demo.sh | sort); do sh $$demo || exit 1; done

$(DEMOS): all
	@name=$$(echo $@ | sed 's/demo-//'); sh $$(ls $$name-*/demo.sh 0*/$$name/demo.sh 2>/dev/null)

test: all $(TOOLS)
	@sh tests/bats.sh tests/house.bats tests/promises.bats tests/cards.bats tests/0*.bats

$(TESTS): all $(TOOLS)
	@name=$$(echo $@ | sed 's/test-//'); sh tests/bats.sh $$(ls tests/$$name-*.bats tests/0?-$$name*.bats 2>/dev/null)

EXERCISES = exercise-01-1 exercise-01-2 exercise-01-3 exercise-01-4 exercise-01-5 exercise-02-1 exercise-02-2 \
	exercise-03-1 exercise-03-2 exercise-03-3 exercise-03-4 exercise-04-1 exercise-04-2 exercise-04-3 exercise-04-4 exercise-05-1 exercise-05-2 exercise-05-3 \
	exercise-06-1 exercise-06-2

$(EXERCISES): all $(TOOLS)
	@sh tests/exercise.sh $@

card:
	@sh tests/card.sh $(CARD) $(LESSON)

single:
	@sh tests/single.sh $(PROGRAM)

check: all $(TOOLS)
	@sh tests/check.sh

bench: all $(TOOLS)
	@for script in tests/bench/[0-9]*.sh; do sh $$script || exit 1; done
	@sh tests/bench/report.sh

race: all
	@sh tests/bench/08-designs.sh
	@sh tests/bench/report.sh

museum:
	@sh tests/museum.sh

programs:
	@for program in $(PROGRAMS); do echo $$program; done

clean:
	rm -f $(PROGRAMS) $(TOOLS)

.PHONY: all tools help demo test check bench race museum programs clean card single $(EXERCISES) \
	$(DEMOS) $(TESTS)
