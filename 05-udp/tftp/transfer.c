/* transfer.c - see transfer.h. The way of a block:
 *     sending:    transfer_take -> ack_take;  transfer_send_blocks -> block_send -> block_read -> packet_send
 *     receiving:  transfer_take -> data_take -> block_write -> ack_send;  the last: transfer_confirm -> transfer_keep
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "transfer.h"

#include "netascii.h"
#include "packet_io.h"
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Returns how far the number of a block, of which the wire has 16 bits, is ahead of a number that never wraps;
 * negative: how far behind it is. */
static int distance(unsigned block, long long from) {
    int ahead = (int)((block - (unsigned)(from & 0xFFFF)) & 0xFFFF);
    return ahead < 0x8000 ? ahead : ahead - 0x10000;
}

/* ---- The clock ---- */

static long long timeout_of(const struct transfer *t) {
    return t->peer_timeout > 0 ? t->peer_timeout : t->rtt.rto;
}

/* Something has gone out, never before or once more: the clock for its answer starts. */
static void clock_start(struct transfer *t, int never_before) {
    t->sent_at = now_us();
    t->due = t->sent_at + timeout_of(t);
    t->measuring = never_before;
}

/* The peer has brought something new: learns from the time that it took, as RFC 1123, 4.2.3.2 asks; but not if it may
 * be the answer to an older copy (Karn's rule). */
static void transfer_progressed(struct transfer *t) {
    t->progress = now_us();
    if (t->measuring)
        rtt_sample(&t->rtt, t->progress - t->sent_at);
    t->measuring = 0;
    t->due = t->progress + timeout_of(t);
}

/* ---- The ends ---- */

int transfer_is_over(const struct transfer *t) { return t->state == FINISHED || t->state == FAILED; }

void transfer_fail(struct transfer *t, enum error_code code, const char *why) {
    error_send(t->fd, &t->peer, code, why);
    t->state = FAILED;
    transfer_report(t, why);
}

static void fail_by_errno(struct transfer *t) { transfer_fail(t, code_of(errno), strerror(errno)); }

static void transfer_finish(struct transfer *t) {
    t->state = FINISHED;
    transfer_report(t, NULL);
}

/* Will a packet that the kernel did not take never go, however often it is sent again? A queue that is full empties
 * itself. A network that is down may come back; but we do not wait for one that was not there when we began. */
static int will_never_go(const struct transfer *t, int error) {
    switch (error) {
    case EINTR:
    case EAGAIN:
    case ENOMEM:
    case ENOBUFS: return 0;
    case EPERM: /* a firewall */
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTUNREACH: return t->state == OPENING;
    default: return 1;
    }
}

/* Sends a packet. One that the kernel does not take now is lost, as any may be: it will be sent again. Returns 0; or
 * -1 if it will never go, as one that is too long for this system (EMSGSIZE), and the transfer has failed. */
static int transfer_send(struct transfer *t, const char *p, size_t len) {
    if (packet_send(t->fd, &t->peer, p, len) == 0 || transfer_is_over(t) || !will_never_go(t, errno))
        return 0;
    fail_by_errno(t);
    return -1;
}

/* ---- Sending ---- */

/* Reads the block at *at, and moves *at to the one behind it. Returns its length; or -1, and *why says why. The last
 * block is the first that is not full: one of 0 bytes, if the file ends with a full one. */
static ssize_t block_read(const struct transfer *t, struct position *at, char *data, const char **why) {
    static char text[DATAGRAM_MAX];
    long long left = t->size - at->offset;
    size_t size = (size_t)t->blksize, used = left < t->blksize ? (size_t)left : size;
    ssize_t n = pread(t->file, t->netascii ? text : data, used, at->offset);
    *why = n < 0 ? strerror(errno) : "the file has shrunk meanwhile";
    if (n < (ssize_t)used)
        return -1;

    at->length = n;
    if (t->netascii)
        at->length = (ssize_t)netascii_encode(text, (size_t)n, &used, data, size, &at->half);
    at->offset += (off_t)used;
    return at->length;
}

/* Is a block still the same as far as its length, and where it ends? Else the last block could become another one. */
static int is_same_end(const struct position *a, const struct position *b) {
    return a->offset == b->offset && a->half == b->half && a->length == b->length;
}

/* Sends the block after `sent`. Returns 0; or -1 if the file cannot be read any more as it was, or the block is too
 * long for the system, and the transfer has failed. */
static int block_send(struct transfer *t) {
    static char p[DATAGRAM_MAX];
    const char *why;
    struct position at = t->begin[t->sent % EDGES];
    ssize_t n = block_read(t, &at, p + HEADER, &why);
    if (n >= 0 && t->sent < t->highest && !is_same_end(&at, &t->begin[(t->sent + 1) % EDGES])) {
        why = "the file has changed meanwhile"; /* in its line ends: only netascii comes here */
        n = -1;
    }
    if (n < 0) {
        transfer_fail(t, OTHER, why);
        return -1;
    }

    t->sent++;
    t->begin[t->sent % EDGES] = at;
    if (n < t->blksize)
        t->last = t->sent;
    int is_new = t->sent > t->highest;
    if (is_new) {
        t->highest = t->sent;
        t->bytes += n;
    } else {
        t->resent++;
    }

    put16(p, DATA);
    put16(p + 2, t->sent);
    if (transfer_send(t, p, HEADER + (size_t)n) < 0)
        return -1;
    clock_start(t,
                is_new); /* the answer to the whole window measures a round trip if its last block is new */
    return 0;
}

int transfer_has_blocks(const struct transfer *t) {
    return t->sending && t->state == RUNNING && t->sent < t->acked + t->windowsize && t->sent != t->last;
}

void transfer_send_blocks(struct transfer *t, long long end) {
    while (transfer_has_blocks(t) && block_send(t) == 0 && now_us() < end)
        continue;
}

/* Sends the window again (go-back-N). Now copies of its old ACKs may still be on the way, and each would look like a
 * NAK:
 *     window a, sent again | window b         | window c
 *     a NAK does not count | does not count   | counts
 * So NAKs are ignored until this window and the next are acknowledged. */
static void window_resend(struct transfer *t) {
    t->nak_pause = 2;
    t->sent = t->acked;
}

/* Is an ACK that confirms nothing new a NAK: the first block of the window is missing (RFC 7440)? Or is it only a copy
 * of the ACK before? A copy comes too soon to be an answer to the window. */
static int is_nak(const struct transfer *t) {
    return t->windowsize > 1 && t->nak_pause == 0 && t->rtt.measured &&
           now_us() - t->sent_at > t->rtt.srtt / 2;
}

/* Takes an ACK. One that confirms nothing new is not answered: if each copy of an ACK brought a copy of the DATA, and
 * that a copy of the ACK, all would go twice from then on (the Sorcerer's Apprentice, RFC 1123, 4.2.3.1). One from the
 * midst of a window says that the block behind it is missing: the window begins there (RFC 7440). */
static void ack_take(struct transfer *t, unsigned block) {
    if (t->state == OPENING && block == 0) {
        transfer_run(t);
        return;
    }
    int fresh = distance(block, t->acked);
    if (t->state != RUNNING || fresh < 0 || fresh > t->highest - t->acked)
        return;
    if (fresh == 0) {
        if (is_nak(t))
            window_resend(t);
        return;
    }

    if (fresh != t->sent - t->acked)
        t->measuring = 0; /* the answer to the whole window is still to come */
    if (t->nak_pause > 0)
        t->nak_pause--;
    t->acked += fresh;
    t->sent = t->acked;
    transfer_progressed(t);
    if (t->acked == t->last)
        transfer_finish(t);
}

/* ---- Receiving ---- */

void ack_send(struct transfer *t, int again) {
    char p[HEADER];
    put16(p, ACK);
    put16(p + 2, t->got);
    t->acked = t->got;
    transfer_send(t, p, sizeof p);
    if (again)
        t->resent++;
    clock_start(t, !again);
}

/* Writes all bytes. Returns 0, or -1 with errno. */
static int write_all(int fd, const char *data, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Writes a block into the file. Returns 0, or -1 with errno. */
static int block_write(struct transfer *t, const char *data, size_t len, int is_last) {
    static char text[DATAGRAM_MAX + 1];
    if (t->netascii) {
        len = netascii_decode(data, len, text, &t->cr);
        if (is_last && t->cr) /* no second half will come */
            text[len++] = '\r';
        data = text;
    }
    t->bytes += (long long)len;
    return write_all(t->file, data, len);
}

/* Takes a block that is not the next one. One from further on tells of a gap: that is reported once, and not for each
 * block behind it. One that we have confirmed already was sent again, so perhaps our ACK was lost. */
static void data_out_of_order(struct transfer *t, int ahead) {
    if (ahead > 1 && t->windowsize > 1 && !t->gap_reported) {
        t->gap_reported = 1;
        ack_send(t, 0);
    } else if (ahead == 0 && t->got == t->acked) {
        ack_send(t, 1);
    }
}

/* The last block is here. It is not confirmed before the file is safe: see transfer_confirm(). */
static void last_block_take(struct transfer *t) {
    if (t->bytes < t->size)
        transfer_fail(t, OTHER, "these are fewer bytes than announced");
    else
        t->state = COMPLETE;
}

/* Takes DATA. Only the next block is used. A full window is confirmed. */
static void data_take(struct transfer *t, unsigned block, const char *data, size_t len) {
    if (len > (size_t)t->blksize) {
        transfer_fail(t, ILLEGAL, "that block is longer than agreed");
        return;
    }
    if (t->state == OPENING && block == 1)
        transfer_run(t);
    int ahead = distance(block, t->got);
    if (ahead != 1 || t->state != RUNNING) {
        data_out_of_order(t, ahead);
        return;
    }

    int is_last = len < (size_t)t->blksize;
    if (block_write(t, data, len, is_last) < 0) {
        fail_by_errno(t);
        return;
    }
    t->gap_reported = 0;
    transfer_progressed(t);
    if (is_last) {
        last_block_take(t);
        return;
    }
    t->got++;
    if (t->got - t->acked >= t->windowsize)
        ack_send(t, 0);
}

void transfer_confirm(struct transfer *t) {
    if (transfer_keep(t) < 0) {
        fail_by_errno(t);
        return;
    }
    t->got++;
    t->progress = now_us(); /* it may have taken a while */
    transfer_finish(t);
    ack_send(t, 0);
}

/* ---- The transfer ---- */

void transfer_agree(struct transfer *t, long long blksize, long long windowsize, long long timeout) {
    t->blksize = (int)blksize;
    t->windowsize = (int)windowsize;
    t->peer_timeout = timeout;
}

void transfer_init(struct transfer *t, long long first_timeout) {
    *t = (struct transfer){.fd = -1, .file = -1, .state = OPENING, .size = -1, .last = -1};
    transfer_agree(t, BLOCK_SIZE, 1, 0);
    t->begin[0].half = NO_HALF;
    t->rtt.least = RTO_MIN * MS;
    t->rtt.most = RTO_MAX * MS;
    t->rtt.rto = first_timeout < t->rtt.least ? t->rtt.least : first_timeout;
    t->progress = now_us();
}

void transfer_start(struct transfer *t) {
    if (t->hello_length > 0) {
        transfer_send(t, t->hello, t->hello_length);
        clock_start(t, 1);
        return;
    }
    t->state = RUNNING;
    if (!t->sending)
        ack_send(t, 0);
}

void transfer_run(struct transfer *t) {
    transfer_progressed(t);
    t->state = RUNNING;
    t->hello_length = 0;
}

/* The peer has sent an ERROR: that is the end, unless it came behind the end. */
static void error_take(struct transfer *t, const char *p, size_t len) {
    char words[160];
    if (t->state == FINISHED)
        return;
    int n = snprintf(words, sizeof words, "error %u: ", get16(p + 2));
    text_copy(p + HEADER, strnlen(p + HEADER, len - HEADER), words + n, sizeof words - (size_t)n);
    t->state = FAILED;
    transfer_report(t, words);
}

void transfer_take(struct transfer *t, const char *p, size_t len) {
    enum opcode opcode = packet_opcode(p, len);
    if (opcode == ERROR)
        error_take(t, p, len);
    else if (opcode == DATA && !t->sending)
        data_take(t, get16(p + 2), p + HEADER, len - HEADER);
    else if (opcode == ACK && t->sending)
        ack_take(t, get16(p + 2));
    else if (t->state != FINISHED)
        transfer_fail(t, ILLEGAL, "that packet makes no sense here");
}

/* Sends again what has had no answer for too long, and waits twice as long for the next one. */
static void transfer_repeat(struct transfer *t, long long now) {
    rtt_back_off(&t->rtt, t->sent_at, now);
    if (t->hello_length > 0) {
        transfer_send(t, t->hello, t->hello_length);
        t->resent++;
        clock_start(t, 0);
    } else if (t->sending) {
        window_resend(t);
    } else {
        ack_send(t, t->got == t->acked); /* in the midst of a window the ACK is a new one */
    }
}

void transfer_check(struct transfer *t, long long now, long long patience, const char *why) {
    if (t->state != OPENING && t->state != RUNNING)
        return;
    if (now >= t->progress + patience)
        transfer_fail(t, OTHER, why);
    else if (now >= t->due && !transfer_has_blocks(t))
        transfer_repeat(t, now);
}

long long transfer_due(const struct transfer *t, long long patience) {
    long long end = t->progress + patience;
    if (transfer_has_blocks(t))
        return t->progress; /* at once */
    return end < t->due ? end : t->due;
}
