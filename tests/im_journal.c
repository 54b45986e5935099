/* im_journal.c - damages a journal in every way that there is, and looks what becomes of it; to test lesson 03 with. It
 * speaks to the modules themselves, journal.h, and not to a server, because it has to be fast: a journal is opened in a
 * process of its own, thousands of times.
 *
 *     im_journal flips DIR N     each bit of a journal of N records is flipped in turn, and some of one whose end is missing
 *     im_journal cuts DIR N      it is cut at each length
 *     im_journal zeros DIR N     from each byte on to the end there are zeros, and more of them behind
 *     im_journal holes DIR N     of each byte on 8 are zeros, and then it goes on
 *     im_journal flip FILE N     flips bit N of a file, counted from 0
 *     im_journal fill DIR N M B  makes a journal in which each of N people, u0, u1, ..., has sent M messages of B bytes to
 *                                the next one, who has received them; and DIR/accounts
 *
 * DIR is to be new. Exit: 0; or 1 after a line on stdout that says which rule was broken.
 */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "../03-custom-protocol/journal.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECORDS_MAX 100
#define JOURNAL_MAX 65536             /* bytes in the journal */
#define REFUSED     (RECORDS_MAX + 1) /* an exit code: the others tell how many records there were */
#define ALTERED     (RECORDS_MAX + 2)
#define FAILED      (RECORDS_MAX + 3)

const char program[] = "im_journal";
const char usage[] = "usage: im_journal flips|cuts|zeros|holes DIR RECORDS, flip FILE BIT, or fill DIR "
                     "PEOPLE MESSAGES BYTES\n";

static const char *dir;
static char path[1024];                /* DIR/journal */
static char whole[JOURNAL_MAX];        /* the journal as it was written */
static size_t size;                    /* bytes in it */
static size_t end_of[RECORDS_MAX + 1]; /* where so many records end */
static int records;                    /* how many there are in it */
static int replayed;                   /* records so far, in the process that opens it */

/* In place of the system's: here no power fails, and to wait for the disk thousands of times would take minutes. */
int fsync(int file) {
    (void)file;
    return 0;
}

static void give_up(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    exit(1);
}

/* Writes what the record of that number says; of three the second is a receipt. */
static void make_record(int number, char text[64], char body[64], struct message *m) {
    snprintf(text, 64, "%d", number);
    snprintf(body, 64, "text %d: 吃饭了吗", number);
    if (number % 3 == 2)
        *m = (struct message){ACK, {[NAME] = "lisi", [NUMBER] = text}};
    else
        *m = (struct message){MSG,
                              {[ID] = text,
                               [FROM] = "a",
                               [TO] = "lisi",
                               [BODY] = body,
                               [NUMBER] = text,
                               [TIME] = "1795250000"}};
}

/* Is this the next record, as it was written? */
static int replay(const struct message *m, const char **why) {
    char text[64], body[64];
    struct message expected;
    make_record(++replayed, text, body, &expected);
    *why = "altered";
    if (m->type != expected.type)
        _exit(ALTERED);
    for (int i = 0; i < FIELDS; i++)
        if (!m->field[i] != !expected.field[i] ||
            (m->field[i] && strcmp(m->field[i], expected.field[i]) != 0))
            _exit(ALTERED);
    return 0;
}

/* Opens the journal in a process of its own, which adds a record if `number` is one. Returns how many records it had,
 * REFUSED, ALTERED or FAILED. */
static int open_journal(int number) {
    pid_t child = fork();
    if (child == 0) {
        char text[64], body[64];
        struct message m;
        const char *why;
        if (journal_open(dir, replay, &why) < 0)
            _exit(REFUSED);
        make_record(number, text, body, &m);
        if (number > 0)
            journal_add(&m);
        _exit(journal_commit(1) < 0 ? FAILED : replayed);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status))
        give_up("it died of signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

static void write_file(const char *bytes, size_t len) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || write(file, bytes, len) != (ssize_t)len)
        give_up("cannot write %s", path);
    close(file);
}

static size_t read_file(char *bytes) {
    int file = open(path, O_RDONLY);
    ssize_t n = file < 0 ? -1 : read(file, bytes, JOURNAL_MAX);
    if (n < 0)
        give_up("cannot read %s", path);
    close(file);
    return (size_t)n;
}

/* Writes the journal, and notes where each record ends. */
static void make_journal(void) {
    for (int i = 1; i <= records; i++) {
        if (open_journal(i) != i - 1)
            give_up("cannot write record %d in %s", i, dir);
        size = read_file(whole);
        end_of[i] = size;
    }
}

/* Returns how many records are complete within so many bytes. */
static int complete_within(size_t len) {
    int count = 0;
    while (count < records && end_of[count + 1] <= len)
        count++;
    return count;
}

/* Opens a journal that is damaged. It must be refused, and stay as it is; or every record of it must be there. */
static void check_damaged(const char *bytes, size_t len, const char *how, size_t at) {
    static char after[JOURNAL_MAX];
    write_file(bytes, len);
    int found = open_journal(0);
    if (found == ALTERED)
        give_up("rule: damage is noticed; %s %zu: another text was read than was written", how, at);
    if (found == REFUSED && (read_file(after) != len || memcmp(bytes, after, len) != 0))
        give_up("rule: a journal that is refused stays as it is; %s %zu", how, at);
    if (found != REFUSED && found != complete_within(len))
        give_up("rule: damage is no torn end; %s %zu: only %d records of %d were read", how, at, found,
                complete_within(len));
}

/* Opens a journal as a crash can leave it: the records that are complete in its first bytes are there, and no more. */
static void check_torn(const char *bytes, size_t len, size_t good, const char *how) {
    static char after[JOURNAL_MAX];
    write_file(bytes, len);
    int found = open_journal(0);
    if (found != complete_within(good))
        give_up(
            "rule: what is complete is there, and what is not is cut off; %s %zu: %d records instead of %d%s",
            how, good, found, complete_within(good), found == REFUSED ? " (refused)" : "");
    if (read_file(after) != end_of[found])
        give_up("rule: what is not complete is cut off; %s %zu", how, good);
}

static void flips(size_t len, size_t step) {
    static char bytes[JOURNAL_MAX];
    memcpy(bytes, whole, len);
    for (size_t bit = 0; bit < 8 * len; bit += step) {
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        check_damaged(bytes, len, "bit", bit);
        bytes[bit / 8] = whole[bit / 8];
    }
}

static void cuts(void) {
    for (size_t len = 0; len <= size; len++)
        check_torn(whole, len, len, "cut at byte");
}

static void zeros(void) {
    static char bytes[JOURNAL_MAX];
    for (size_t good = 0; good <= size; good++) {
        memset(bytes, 0, sizeof bytes);
        memcpy(bytes, whole, good);
        check_torn(bytes, size, good, "zeros from byte");
        check_torn(bytes, size + 5000, good, "zeros from byte");
    }
}

static void holes(void) {
    static char bytes[JOURNAL_MAX];
    for (size_t at = 0; at + 8 < size; at++) {
        memcpy(bytes, whole, size);
        memset(bytes + at, 0, 8);
        check_damaged(bytes, size, "zeros from byte", at);
    }
}

static void flip(const char *file, long bit) {
    int f = open(file, O_RDWR);
    char byte = 0;
    if (f < 0 || pread(f, &byte, 1, bit / 8) != 1)
        give_up("cannot read %s", file);
    byte = (char)(byte ^ 1 << bit % 8);
    if (pwrite(f, &byte, 1, bit / 8) != 1)
        give_up("cannot write %s", file);
    close(f);
}

/* Everybody acknowledges all up to a number. */
static void fill_receipts(int people, const char *number) {
    char name[32];
    struct message receipt = {ACK, {[NAME] = name, [NUMBER] = number}};
    for (int i = 0; i < people; i++) {
        snprintf(name, sizeof name, "u%d", i);
        journal_add(&receipt);
    }
}

/* Everybody says something, again and again; every 100 times, and in the end, come the receipts. */
static void fill(int people, int messages, int bytes) {
    char name[32], other[32], id[32], number[32];
    struct message letter = {
        MSG, {[ID] = id, [FROM] = name, [TO] = other, [NUMBER] = number, [TIME] = "1795250000"}};
    char *body = calloc(1, (size_t)bytes + 1);
    letter.field[BODY] = memset(body, 'x', (size_t)bytes);
    for (int i = 1; i <= people * messages; i++) {
        snprintf(name, sizeof name, "u%d", i % people);
        snprintf(other, sizeof other, "u%d", (i + 1) % people);
        snprintf(id, sizeof id, "fill-%d", i);
        snprintf(number, sizeof number, "%d", i);
        journal_add(&letter);
        if (i % (100 * people) == 0 || i == people * messages)
            fill_receipts(people, number);
    }
    free(body);
    if (journal_commit(1) < 0)
        give_up("cannot commit");
}

static void write_accounts(int people) {
    char accounts[1024];
    snprintf(accounts, sizeof accounts, "%s/accounts", dir);
    FILE *file = fopen(accounts, "w");
    for (int i = 0; file && i < people; i++)
        fprintf(file, "u%d:secret\n", i);
    if (file == NULL || fclose(file) != 0)
        give_up("cannot write %s", accounts);
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "flip") == 0) {
        flip(argv[2], strtol(argv[3], NULL, 10));
        return 0;
    }
    if (argc == 6 && strcmp(argv[1], "fill") == 0) {
        const char *why;
        dir = argv[2];
        if (journal_open(dir, replay, &why) < 0)
            give_up("%s: %s", dir, why);
        fill(atoi(argv[3]), atoi(argv[4]), atoi(argv[5]));
        write_accounts(atoi(argv[3]));
        return 0;
    }
    records = argc == 4 ? atoi(argv[3]) : 0;
    if (records < 1 || records > RECORDS_MAX) {
        fputs(usage, stderr);
        return 2;
    }
    dup2(open("/dev/null", O_WRONLY), STDERR_FILENO); /* each refusal is told there */
    dir = argv[2];
    snprintf(path, sizeof path, "%s/journal", dir);
    make_journal();
    if (strcmp(argv[1], "flips") == 0) {
        flips(size, 1);
        flips(size - 10, 7);
    } else if (strcmp(argv[1], "cuts") == 0) {
        cuts();
    } else if (strcmp(argv[1], "zeros") == 0) {
        zeros();
    } else if (strcmp(argv[1], "holes") == 0) {
        holes();
    }
    printf("%zu bytes, %d records\n", size, records);
    return 0;
}
