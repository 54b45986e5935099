# One file builds, demonstrates, tests, checks and measures the course: `make help` lists how.
# Plain rules only, so that GNU make (3.81, too) and bmake both read it. A new program touches one line here.

PROGRAMS_01 = 01-echo/echo_once 01-echo/echo_server 01-echo/echo_client 01-echo/menu_server 01-echo/echo_bench
PROGRAMS_02 = 02-group-chat/chat_server 02-group-chat/chat_client
PROGRAMS_03 = 03-custom-protocol/im_server 03-custom-protocol/im_client 03-custom-protocol/file_server
PROGRAMS_04 = 04-heartbeat/heartbeat_server 04-heartbeat/heartbeat_client 04-heartbeat/backoff 04-heartbeat/flaky_proxy
PROGRAMS_05 = 05-udp/udp_echo_server 05-udp/udp_echo_client 05-udp/tftp_server 05-udp/tftp_client
PROGRAMS_06 = 06-websocket-handshake/ws_server 06-websocket-handshake/ws_client
PROGRAMS    = $(PROGRAMS_01) $(PROGRAMS_02) $(PROGRAMS_03) $(PROGRAMS_04) $(PROGRAMS_05) $(PROGRAMS_06)
LESSONS     = 01-echo 02-group-chat 03-custom-protocol 04-heartbeat 05-udp 06-websocket-handshake
TOOLS       = tests/poke tests/crowd tests/codec tests/im_talk tests/im_crowd tests/courier tests/pulse tests/udp_relay \
	tests/ws_cases tests/ws_modules tests/ws_peer

CFLAGS = -std=c11 -pedantic -Wall -Wextra -O2
COMPILE = cd $(@D) && $(CC) $(CFLAGS) $(LDFLAGS) -o $(@F)

all: $(PROGRAMS)

tools: $(TOOLS)

.SUFFIXES:

# Each program is compiled in its folder, from the files that its header comment names.
LOOP = loop.c listen.c signals.c wire.c

$(PROGRAMS_01): 01-echo/*.[ch]
01-echo/echo_once:
	$(COMPILE) echo_once.c
01-echo/echo_server:
	$(COMPILE) echo_server.c $(LOOP)
01-echo/menu_server:
	$(COMPILE) menu_server.c lines.c text.c $(LOOP)
01-echo/echo_client:
	$(COMPILE) echo_client.c
01-echo/echo_bench:
	$(COMPILE) echo_bench.c

$(PROGRAMS_02): 02-group-chat/*.[ch]
02-group-chat/chat_server:
	$(COMPILE) chat_server.c
02-group-chat/chat_client:
	$(COMPILE) chat_client.c

$(PROGRAMS_03): 03-custom-protocol/*.[ch]
03-custom-protocol/im_server:
	$(COMPILE) im_server.c post.c journal.c request.c frame.c message.c
03-custom-protocol/im_client:
	$(COMPILE) im_client.c transfer.c frame.c message.c
03-custom-protocol/file_server:
	$(COMPILE) file_server.c frame.c message.c

$(PROGRAMS_04): 04-heartbeat/*.[ch]
04-heartbeat/heartbeat_server:
	$(COMPILE) heartbeat_server.c
04-heartbeat/heartbeat_client:
	$(COMPILE) heartbeat_client.c
04-heartbeat/backoff:
	$(COMPILE) backoff.c
04-heartbeat/flaky_proxy:
	$(COMPILE) flaky_proxy.c

$(PROGRAMS_05): 05-udp/*.[ch]
05-udp/udp_echo_server:
	$(COMPILE) udp_echo_server.c
05-udp/udp_echo_client:
	$(COMPILE) udp_echo_client.c
05-udp/tftp_server:
	$(COMPILE) tftp_server.c
05-udp/tftp_client:
	$(COMPILE) tftp_client.c

$(PROGRAMS_06): 06-websocket-handshake/*.[ch]
06-websocket-handshake/ws_server:
	$(COMPILE) ws_server.c frame.c handshake.c room.c http.c base64.c sha1.c utf8.c text.c $(LOOP)
06-websocket-handshake/ws_client:
	$(COMPILE) ws_client.c websocket.c queue.c url.c frame.c handshake.c http.c base64.c sha1.c utf8.c connect.c signals.c wire.c

# What the tests use, beside them.
MESSAGES = ../03-custom-protocol/frame.c ../03-custom-protocol/message.c
W        = ../06-websocket-handshake
FRAMES   = $(W)/frame.c $(W)/handshake.c $(W)/http.c $(W)/base64.c $(W)/sha1.c $(W)/utf8.c

$(TOOLS): tests/*.[ch]
tests/poke tests/crowd tests/courier tests/pulse tests/udp_relay:
	$(COMPILE) $(@F).c
tests/ws_cases:
	$(COMPILE) ws_cases.c ws_words.c
tests/codec tests/im_talk tests/im_crowd: 03-custom-protocol/*.[ch]
	$(COMPILE) $(@F).c $(MESSAGES)
tests/ws_modules tests/ws_peer: 06-websocket-handshake/*.[ch]
	$(COMPILE) $(@F).c $(FRAMES)

help:
	@echo 'make              build all programs, each beside its source'
	@echo 'make demo         play all lessons, one after another'
	@echo 'make demo-01      play lesson 01'
	@echo 'make test         run every test (needs Bats, or npm to fetch it)'
	@echo 'make test-01      run the tests of lesson 01; to grade a server of your own:'
	@echo '                      make test-01 ECHO_SERVER=./my_server'
	@echo 'make exercise-01-1 ECHO_SERVER=./mine'
	@echo '                  is your solution of that exercise right? Red or green, in words'
	@echo 'make card CARD=utf8_length'
	@echo '                  print a function with all that it needs (LESSON=02: that of lesson 02)'
	@echo 'make check        format, compilers, static analysis, sanitizers, fuzzers, valgrind, the museum'
	@echo 'make bench        measure for some minutes (ROUNDS=7: a quarter of an hour, and steadier), and write the pages in tests/bench'
	@echo 'make museum       walk through the museum of wrong servers'
	@echo 'make single PROGRAM=02-group-chat/chat_server'
	@echo '                  print that program as one C file, modules included'
	@echo 'make clean        remove what was built'

demo: all
	@for lesson in $(LESSONS); do sh $$lesson/demo.sh || exit 1; done

demo-01 demo-02 demo-03 demo-04 demo-05 demo-06: all
	@sh $$(echo $@ | sed 's/demo-//')-*/demo.sh

test: all $(TOOLS)
	@sh tests/bats.sh tests/0*.bats tests/promises.bats tests/house.bats tests/cards.bats

test-01 test-02 test-03 test-04 test-05 test-06: all $(TOOLS)
	@sh tests/bats.sh tests/$$(echo $@ | sed 's/test-//')-*.bats

EXERCISES = exercise-01-1 exercise-01-2 exercise-01-3 exercise-02-1 exercise-02-2 \
	exercise-03-1 exercise-03-2 exercise-04-1 exercise-04-2 exercise-05-1 exercise-05-2 exercise-05-3 \
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
	@for script in tests/bench/0*.sh; do sh $$script || exit 1; done
	@sh tests/bench/report.sh

museum:
	@for exhibit in tests/museum/*.diff; do echo "== $$exhibit"; sed '/^--- a/,$$d' $$exhibit; done

programs:
	@for program in $(PROGRAMS); do echo $$program; done

clean:
	rm -f $(PROGRAMS) $(TOOLS)

.PHONY: all tools help demo test check bench museum programs clean card single $(EXERCISES) \
	demo-01 demo-02 demo-03 demo-04 demo-05 demo-06 test-01 test-02 test-03 test-04 test-05 test-06
