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

MODULES_03  = 03-custom-protocol/frame.c 03-custom-protocol/message.c
SERVER_03   = 03-custom-protocol/post.c 03-custom-protocol/request.c 03-custom-protocol/journal.c
CLIENT_03   = 03-custom-protocol/transfer.c
HEADERS_03  = 03-custom-protocol/frame.h 03-custom-protocol/message.h 03-custom-protocol/post.h \
	03-custom-protocol/request.h 03-custom-protocol/journal.h 03-custom-protocol/transfer.h

L06         = 06-websocket-handshake
MODULES_06  = $(L06)/sha1.c $(L06)/base64.c $(L06)/utf8.c $(L06)/http.c $(L06)/room.c $(L06)/handshake.c $(L06)/frame.c
HEADERS_06  = $(L06)/sha1.h $(L06)/base64.h $(L06)/utf8.h $(L06)/http.h $(L06)/room.h $(L06)/handshake.h $(L06)/frame.h

CFLAGS = -std=c11 -pedantic -Wall -Wextra -O2

all: $(PROGRAMS)

tools: $(TOOLS)

.SUFFIXES:
.SUFFIXES: .c
.c:
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $<

# Programs of several files, all of one folder. By hand: cc -o file_server file_server.c frame.c message.c
03-custom-protocol/im_server: 03-custom-protocol/im_server.c $(SERVER_03) $(MODULES_03) $(HEADERS_03)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $@.c $(SERVER_03) $(MODULES_03)
03-custom-protocol/im_client: 03-custom-protocol/im_client.c $(CLIENT_03) $(MODULES_03) $(HEADERS_03)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $@.c $(CLIENT_03) $(MODULES_03)
03-custom-protocol/file_server tests/codec tests/im_talk tests/im_crowd: $(MODULES_03) $(HEADERS_03)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $@.c $(MODULES_03)
03-custom-protocol/file_server: 03-custom-protocol/file_server.c
tests/codec: tests/codec.c
tests/im_talk: tests/im_talk.c
tests/im_crowd: tests/im_crowd.c
$(L06)/ws_server $(L06)/ws_client tests/ws_modules tests/ws_peer: $(MODULES_06) $(HEADERS_06)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $@.c $(MODULES_06)
$(L06)/ws_server: $(L06)/ws_server.c
$(L06)/ws_client: $(L06)/ws_client.c
tests/ws_modules: tests/ws_modules.c
tests/ws_peer: tests/ws_peer.c

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
	@echo 'make plumbing     copy the plumbing of 01-echo/echo_server.c into the other servers'
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

check: all $(TOOLS)
	@sh tests/check.sh

bench: all $(TOOLS)
	@for script in tests/bench/0*.sh; do sh $$script || exit 1; done
	@sh tests/bench/report.sh

plumbing:
	@sh tests/plumbing.sh copy

museum:
	@for exhibit in tests/museum/*.diff; do echo "== $$exhibit"; sed '/^--- a/,$$d' $$exhibit; done

programs:
	@for program in $(PROGRAMS); do echo $$program; done

clean:
	rm -f $(PROGRAMS) $(TOOLS)

.PHONY: all tools help demo test check bench museum plumbing programs clean card $(EXERCISES) \
	demo-01 demo-02 demo-03 demo-04 demo-05 demo-06 test-01 test-02 test-03 test-04 test-05 test-06
