/* packet.h - the packets of TFTP, made and read: RFC 1350; options: RFC 2347. Takes bytes, gives values; knows no
 * sockets.
 *
 *     RRQ, WRQ   1, 2   name NUL mode NUL, then options: name NUL value NUL ...
 *     DATA       3      number of the block, its bytes
 *     ACK        4      number of the block that is confirmed
 *     ERROR      5      code, words NUL
 *     OACK       6      the options that are granted: name NUL value NUL ...
 *
 * Each begins with its opcode. Numbers have 16 bits and go in network byte order: the high byte first.
 */
#ifndef PACKET_H
#define PACKET_H

#include <stddef.h>

#define HEADER      4   /* bytes of DATA before the block, and of an ACK */
#define REQUEST_MAX 512 /* bytes of an RRQ, WRQ or OACK: RFC 2347 */
#define ERROR_MAX   128 /* bytes of an ERROR that we send */
#define BLOCK_SIZE  512 /* bytes of a block, unless a blksize is agreed: RFC 1350 */

enum opcode { NO_PACKET, RRQ, WRQ, DATA, ACK, ERROR, OACK };
enum error_code { OTHER, NOT_FOUND, ACCESS, DISK_FULL, ILLEGAL, UNKNOWN_TID, EXISTS, NO_USER, BAD_OPTION };
enum option { BLKSIZE, TIMEOUT, TSIZE, WINDOWSIZE, OPTIONS }; /* RFCs 2348, 2349 and 7440 */

#define NOT_THERE -1 /* an option that is not there */
#define NO_NUMBER -2 /* one whose value is not a number in its range */

struct request {
    enum opcode opcode;         /* RRQ or WRQ */
    const char *path;           /* of the file; when read: within the packet */
    int netascii;               /* line ends are translated; 0: octet, byte for byte */
    long long options[OPTIONS]; /* a number, NOT_THERE or NO_NUMBER */
};

/* Read and write a number of 16 bits; of a longer one its last 16. */
unsigned get16(const char *p);
void put16(char *p, long long number);

/* Returns what a packet is: NO_PACKET if it is none, or shorter than the 4 bytes that all have. */
enum opcode packet_opcode(const char *p, size_t len);

/* Reads an RRQ or WRQ. Returns 0; or -1, and *why says in words what is wrong with it. */
int request_parse(const char *p, size_t len, struct request *r, const char **why);

/* Write a packet. Return its length in bytes; 0: it would be longer than it may be. Options that are negative are left
 * out; an OACK of 2 bytes grants nothing. */
size_t request_make(char p[REQUEST_MAX], const struct request *r);
size_t oack_make(char p[REQUEST_MAX], const long long options[OPTIONS]);
size_t error_make(char p[ERROR_MAX], enum error_code code, const char *words);

/* Reads pairs of strings, name and value, up to `end`. Options that we do not know are passed over, as RFC 2347 wants
 * it. Returns 0, or -1 if a string has no end or a name no value. */
int options_parse(const char *at, const char *end, long long options[OPTIONS]);

/* Returns TFTP's code for an errno. */
enum error_code code_of(int number);

/* Copies text of a peer for somebody's terminal, with a NUL at the end: a NUL within becomes a blank, the rest clean
 * (text_clean). What `out`, of `size` bytes, has no room for is left out. */
void text_copy(const char *text, size_t len, char *out, size_t size);

/* Prints with -v what a packet means. */
void packet_explain(const char *p, size_t len);

#endif
