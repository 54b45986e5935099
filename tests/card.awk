# Cuts C files of the course (as clang-format leaves them) into top-level items, each with its comment, and prints the
# function `card`, and whatever it refers to, in the order of the files. A function that its file declares first, as the
# four callbacks are, is printed as that declaration only, unless it is the card.

# The text without comments and without what stands between quotes.
function bare(text) {
    gsub(/\/\*([^*]|\*[^\/])*\*\//, "", text)
    gsub(/"([^"\\]|\\.)*"/, "\"\"", text)
    gsub(/'([^'\\]|\\.)+'/, "0", text)
    return text
}

# What a header has declared, or the card, is defined a second time: by its body.
function define(name) {
    if (!(name in item_of)) {
        item_of[name] = items
        file_of[name] = FILENAME
    } else if (name == card || file_of[name] != FILENAME) {
        body_of[name] = items
    }
}

# Notes which names an item defines.
function names(text, part, list, n, i) {
    if (text ~ /^#define/) {
        split(text, list, /[ (]+/)
        define(list[2])
        return
    }
    part = text
    while (match(part, /(struct|enum) [a-z_0-9]+ [{]/)) {
        define(substr(part, RSTART, RLENGTH - 2))
        part = substr(part, RSTART + RLENGTH)
    }
    if (text ~ /(^|[^a-z])enum [a-z_0-9 ]*[{]/) {
        part = text
        sub(/^[^{]*[{]/, "", part)
        sub(/[}].*/, "", part)
        n = split(part, list, /,/)
        for (i = 1; i <= n; i++)
            if (match(list[i], /[A-Za-z_][A-Za-z0-9_]*/)) define(substr(list[i], RSTART, RLENGTH))
    }
    while (sub(/[{][^{}]*[}]/, " @ ", text)) continue
    if (text ~ /@ *;/ && text !~ /=/) return # a type, and no variable of it
    if (match(text, /[a-z_][a-z0-9_]*\(/)) { # a function, or what gives an address to sa_handler and the like
        define(substr(text, RSTART, RLENGTH - 1))
        return
    }
    n = split(text, list, /[,;]/) # variables, perhaps several
    for (i = 1; i <= n; i++) {
        sub(/(=|\[).*/, "", list[i])
        if (match(list[i], /[A-Za-z_][A-Za-z0-9_]*[ ]*$/)) {
            part = substr(list[i], RSTART, RLENGTH)
            sub(/ +$/, "", part)
            define(part)
            if (text ~ /^typedef/) is_type[part] = 1
        }
    }
}

function finish() {
    items++
    whole[items] = comment text
    plain[items] = bare(text)
    names(plain[items])
    text = comment = ""
}

FNR == 1 { text = comment = "" }
text == "" && /^#define _[A-Z_]*(_SOURCE|_BITS) / {
    if (!macro[$0]++) macros = macros $0 "\n"
    next
}
text == "" && /^(\/\* ----.*\*\/$|$|#include|#ifndef|#endif|#define [A-Z0-9]+_H$)/ {
    if (!/^#/) comment = ""
    next
}
text == "" && (in_comment || /^\/\*/) {
    comment = (in_comment ? comment : "") $0 "\n"
    in_comment = !/\*\/$/
    next
}
{
    text = text $0 "\n"
    code = bare(text)
    depth = gsub(/[{]/, "{", code) - gsub(/[}]/, "}", code)
    if (text ~ /^#/ ? !/\\$/ : depth == 0 && code ~ /[;}][ \n]*$/) finish()
}

function need(i, rest, word, before, member, gap, own) {
    if (wanted[i]++) return
    rest = plain[i]
    before = ""
    while (match(rest, /[A-Za-z_][A-Za-z0-9_]*/)) {
        word = substr(rest, RSTART, RLENGTH)
        gap = substr(rest, 1, RSTART - 1)
        member = gap ~ /(\.|->)$/
        if (gap ~ /^ \**$/ && before !~ /^(return|else|case|goto|do|sizeof|define)?$/ && plain[i] !~ /^#/)
            own[word] = 1 # declared here, "int first", so it is not what others call by that name
        rest = substr(rest, RSTART + RLENGTH)
        if (member) continue
        used[word] = 1
        if (plain[i] ~ /^struct [a-z_0-9]+ [{]/ && before !~ /^(struct|enum)$/ && word ~ /^[a-z]/ && !(word in is_type)) {
            before = word
            continue # the name of a member
        }
        if (before == "struct" || before == "enum") {
            used[before " " word] = 1
            if ((before " " word) in item_of) pending[item_of[before " " word]] = 1
        } else if (word in item_of && !(word in own)) {
            pending[item_of[word]] = 1
            if (word in body_of) pending[body_of[word]] = 1
        }
        before = word
    }
}

function header(name, words, list, n, i) {
    n = split(words, list, / +/)
    for (i = 1; i <= n; i++)
        if (list[i] in used && !shown[name]++) print "#include <" name ">"
}

END {
    if (!(card in item_of)) exit 1
    need(item_of[card])
    if (card in body_of) need(body_of[card])
    do {
        again = 0
        for (i in pending) if (!(i in wanted)) { need(i); again = 1 }
    } while (again)

    if (macros) print macros
    header("errno.h", "errno EAGAIN EACCES ECONNABORTED ECONNREFUSED EEXIST EFBIG EINPROGRESS EINTR EINVAL EMFILE EMSGSIZE ENAMETOOLONG ENOENT ENOMEM ENOSPC EPIPE")
    header("ctype.h", "isalnum isalpha isdigit isspace tolower toupper")
    header("dirent.h", "DIR opendir fdopendir readdir")
    header("fcntl.h", "fcntl open openat O_NONBLOCK O_RDONLY O_CREAT F_SETFL")
    header("limits.h", "INT_MAX LONG_MAX SSIZE_MAX PATH_MAX CHAR_BIT")
    header("math.h", "fabs sqrt")
    header("netdb.h", "getaddrinfo getnameinfo addrinfo gai_strerror")
    header("netinet/in.h", "IPPROTO_TCP sockaddr_in sockaddr_in6 htons ntohs htonl ntohl")
    header("netinet/tcp.h", "TCP_NODELAY")
    header("poll.h", "poll pollfd")
    header("pthread.h", "pthread_t pthread_create pthread_mutex_t pthread_mutex_lock")
    header("signal.h", "sigaction sig_atomic_t sigprocmask pthread_sigmask sigset_t kill SIGINT SIGTERM SIGXFSZ SIG_IGN SIG_DFL")
    header("stdarg.h", "va_list va_start")
    header("stdint.h", "INT64_MAX uint8_t uint16_t uint32_t uint64_t int32_t int64_t")
    header("stdio.h", "renameat printf fprintf dprintf snprintf vsnprintf fputs fopen FILE stderr stdout rename remove fgets putc fwrite perror flockfile")
    header("stdlib.h", "malloc realloc calloc free exit strtol strtoll strtoul strtod qsort abort getenv mkstemp")
    header("string.h", "memcpy memmove memset memcmp memchr strlen strcmp strncmp strchr strrchr strspn strcspn strstr strerror strtok strdup")
    header("strings.h", "strcasecmp strncasecmp")
    header("sys/ioctl.h", "ioctl winsize")
    header("sys/resource.h", "getrlimit rlimit")
    header("sys/select.h", "select pselect fd_set FD_SET FD_ZERO FD_ISSET FD_SETSIZE")
    header("sys/socket.h", "socket bind listen accept connect send recv sendto recvfrom recvmsg msghdr setsockopt getsockopt getsockname sockaddr_storage socklen_t shutdown")
    header("sys/stat.h", "stat fstat mkdir S_ISREG S_ISDIR")
    header("sys/statvfs.h", "statvfs")
    header("sys/types.h", "ssize_t pid_t")
    header("sys/uio.h", "writev iovec")
    header("sys/wait.h", "wait waitpid")
    header("termios.h", "tcgetattr tcsetattr termios")
    header("time.h", "clock_gettime CLOCK_MONOTONIC timespec nanosleep time_t time localtime strftime")
    header("unistd.h", "pwrite unlinkat STDIN_FILENO STDOUT_FILENO _exit read write close dup getopt usleep fsync unlink link pipe fork isatty ftruncate lseek pread")
    header("stddef.h", "size_t NULL")
    print ""
    for (i = 1; i <= items; i++) if (i in wanted) print whole[i]
}
