/* transfer.h - one file on its way, block by block: what makes TFTP reliable, the same in the server and in the client.
 *
 *     OPENING  -> RUNNING    somebody has answered our first word, `hello`; or it needs no answer
 *     RUNNING  -> COMPLETE   receiving: the last block is here, and the file is to be kept: transfer_confirm()
 *     RUNNING  -> FINISHED   sending: the last block is confirmed
 *     COMPLETE -> FINISHED   receiving: the file is kept, and so the last block is confirmed
 *     any      -> FAILED     an ERROR was sent or received
 *
 * The sender numbers its blocks and repeats what is not confirmed in time; the receiver takes only the next block, and
 * confirms all that it has. No copies are kept: what is to be sent again is read from the file again. So a file ends
 * where it ended when it was opened: if it has grown meanwhile, the last block must not become a full one. All times are
 * in us.
 */
#ifndef TRANSFER_H
#define TRANSFER_H

#include "datagram.h"
#include "packet.h"
#include "rtt.h"

#define WINDOW_MAX 64 /* blocks under way at most; RFC 7440 lets a server grant less than was asked */
#define EDGES      (WINDOW_MAX + 1) /* of the blocks in a window: n blocks have n + 1 edges */
#define FLIGHT_MAX 65536 /* bytes under way at most: Linux keeps about 100 KiB for a socket that reads late */
#define RTO_MIN    10    /* ms: a shorter timeout would take a busy peer for a lost datagram */
#define RTO_MAX    5000  /* ms: backoff ends here */

enum transfer_state { OPENING, RUNNING, COMPLETE, FINISHED, FAILED };

struct position {   /* where a block begins in the file */
    off_t offset;   /* bytes */
    int half;       /* netascii: the second half of a pair whose first is in the block before, or NO_HALF */
    ssize_t length; /* bytes of the block that ends here */
};

struct transfer {
    int fd;              /* its socket, whose port is our TID (transfer identifier) */
    int file;            /* the file here */
    struct address peer; /* the other side, with its TID */
    enum transfer_state state;
    int sending;  /* the blocks go from us to the peer */
    int netascii; /* line ends are translated */
    long long
        size;    /* bytes of the file. Sending: when it was opened; receiving: as announced, -1: not known */
    int blksize; /* bytes in a block; a shorter one is the last */
    int windowsize;          /* blocks that are sent before an ACK is waited for */
    char hello[REQUEST_MAX]; /* RRQ, WRQ or OACK: repeated until it is answered */
    size_t hello_length;     /* bytes; 0: there is none, or it was answered */

    /* Block numbers count from 1 and never wrap; only those on the wire have 16 bits. */
    long long acked; /* all blocks up to this one are confirmed: by the peer if we are sending, else by us */
    long long sent;  /* sending: the last block that is under way */
    long long highest; /* sending: no block after this one has ever been sent */
    long long last;    /* sending: the last block of the file; -1: not known yet */
    long long got;     /* receiving: all blocks up to this one have come */

    int gap_reported; /* receiving: we have told the peer that the block after `got` is missing */
    int cr;           /* receiving netascii: see netascii_decode() */
    int nak_pause;    /* sending: windows to be confirmed before a NAK counts again, see window_resend() */
    long long bytes;  /* of the file, sent or received so far */
    long long resent; /* packets that went out again */

    struct rtt rtt;         /* how long to wait for an answer ... */
    long long peer_timeout; /* ... unless the peer has chosen it (RFC 2349); 0: it has not */
    long long sent_at;      /* when the last packet went out */
    long long due;          /* when to send it again */
    long long progress;     /* when the peer last brought something new */
    int measuring;          /* what is under way was never sent before, so its answer gives a round trip */

    struct position begin[EDGES]; /* block n + 1 begins at begin[n % EDGES] */
};

/* What a program adds: it defines both. */

/* The whole file is here. Makes it last, before the last ACK says so. Returns 0, or -1 with errno. */
int transfer_keep(struct transfer *t);
/* The transfer has FINISHED (`why` is NULL) or FAILED. */
void transfer_report(const struct transfer *t, const char *why);

/* Fills in a new transfer, without options. The caller adds fd, file and size, which are -1, peer, sending, netascii
 * and hello. `first_timeout` is how long to wait for an answer until a round trip was measured. */
void transfer_init(struct transfer *t, long long first_timeout);

/* Says the first word: hello; or, if there is none, the first ACK; or lets the first blocks go. */
void transfer_start(struct transfer *t);

/* The options are agreed; `timeout` 0: the peer has not chosen one. */
void transfer_agree(struct transfer *t, long long blksize, long long windowsize, long long timeout);

/* The peer has answered hello: the blocks may go, or the wait for them begins. */
void transfer_run(struct transfer *t);

/* Is there a block that may go now? That is all that the functions above do about blocks, and those below: many packets
 * may come in a turn, and each could make a whole window go. */
int transfer_has_blocks(const struct transfer *t);

/* Sends such blocks until there are no more, or it is `end`; one at least. */
void transfer_send_blocks(struct transfer *t, long long end);

/* Takes a packet of the peer. */
void transfer_take(struct transfer *t, const char *p, size_t len);

/* COMPLETE: keeps the file, which may wait for the disk, and confirms the last block. */
void transfer_confirm(struct transfer *t);

/* Does what is due: sends again what has had no answer; or gives up, and tells the peer `why`, when nothing new has
 * come within `patience`. `now` is a time by which all that had come has been read. */
void transfer_check(struct transfer *t, long long now, long long patience, const char *why);

/* Returns when something will be due: a block, a repetition, or the end of the patience. */
long long transfer_due(const struct transfer *t, long long patience);

/* Ends a transfer, and tells the peer why. */
void transfer_fail(struct transfer *t, enum error_code code, const char *why);

/* Has it FINISHED or FAILED? */
int transfer_is_over(const struct transfer *t);

/* Receiving: confirms all that has come in order. `again`: that was said before. */
void ack_send(struct transfer *t, int again);

#endif
