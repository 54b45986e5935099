/* topic.c - see topic.h. */
#define _POSIX_C_SOURCE   200809L /* POSIX.1-2008 */
#define _XOPEN_SOURCE     700     /* and its XSI part */
#define _DARWIN_C_SOURCE          /* macOS hides the rest when it sees these: bring it back */
#define _NETBSD_SOURCE            /* NetBSD: the same */
#define _FILE_OFFSET_BITS 64      /* 32 bits: files over 2 GiB */

#include "topic.h"

#include "wire.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct node {
    struct node *parent;
    struct node *child;           /* the first of them */
    struct node *next, *previous; /* children of the same parent */
    struct node *chain;           /* the next one in the same place of the hash table */
    struct subscription *subscriptions;
    struct message *retained;
    uint32_t hash;
    size_t length;
    char level[]; /* its text */
};

static struct node root; /* has no text; its children are the first levels */
static struct node **table;
static size_t places, nodes; /* of the table: a power of two; how many nodes there are */
static size_t tree_bytes;
static uint32_t seed; /* so that nobody can know which levels share a place */
static int retained_count;
static size_t retained_bytes;

/* ---- Levels ---- */

/* Takes the next level off. After the last one rest->data is NULL; a level may be empty. Returns 0: there is none. */
static int next_level(struct bytes *rest, struct bytes *level) {
    if (rest->data == NULL)
        return 0;
    const char *slash = memchr(rest->data, '/', rest->length);
    size_t length = slash ? (size_t)(slash - rest->data) : rest->length;
    *level = (struct bytes){rest->data, length};
    rest->data = slash ? slash + 1 : NULL;
    rest->length -= slash ? length + 1 : length;
    return 1;
}

static int is_sign(struct bytes level, char sign) { return level.length == 1 && level.data[0] == sign; }

int filter_is_valid(struct bytes filter) {
    struct bytes level;
    while (next_level(&filter, &level)) {
        int wild = is_sign(level, '+') || (is_sign(level, '#') && filter.data == NULL);
        if (!wild && (memchr(level.data, '+', level.length) || memchr(level.data, '#', level.length)))
            return 0;
    }
    return 1;
}

int topic_is_shallow(struct bytes topic) {
    int levels = 1;
    for (size_t i = 0; i < topic.length; i++)
        levels += topic.data[i] == '/';
    return levels <= TOPIC_LEVELS;
}

/* ---- The tree ---- */

/* FNV-1a over the text, begun with the parent's hash. */
static uint32_t hash_of(const struct node *parent, struct bytes level) {
    uint32_t hash = parent->hash ^ seed;
    for (size_t i = 0; i < level.length; i++)
        hash = (hash ^ (unsigned char)level.data[i]) * 16777619u;
    hash ^= hash >> 15;
    return hash * 0x2c1b3c6du;
}

static struct node *find_child(const struct node *parent, struct bytes level) {
    if (places == 0 || parent->child == NULL)
        return NULL;
    uint32_t hash = hash_of(parent, level);
    struct node *n = table[hash & (places - 1)];
    while (n && (n->hash != hash || n->parent != parent || n->length != level.length ||
                 memcmp(n->level, level.data, level.length) != 0))
        n = n->chain;
    return n;
}

/* Makes the table twice as large, or at first. Returns 0, or -1: out of memory. */
static int grow(void) {
    size_t more = places ? 2 * places : 64;
    struct node **bigger = calloc(more, sizeof(struct node *));
    if (bigger == NULL)
        return -1;
    for (size_t i = 0; i < places; i++)
        for (struct node *n = table[i], *chain; n; n = chain) {
            chain = n->chain;
            n->chain = bigger[n->hash & (more - 1)];
            bigger[n->hash & (more - 1)] = n;
        }
    free(table);
    table = bigger;
    places = more;
    return 0;
}

/* Returns memory for a part of the tree, all zeros; NULL: there is none, or the tree has TREE_BYTES. */
static void *tree_alloc(size_t size) {
    void *part = tree_bytes + size <= TREE_BYTES ? calloc(1, size) : NULL;
    if (part)
        tree_bytes += size;
    return part;
}

/* Returns a new child, or NULL. */
static struct node *add_child(struct node *parent, struct bytes level) {
    if (seed == 0)
        seed = (uint32_t)now_us() | 1;
    if (nodes == places && grow() < 0)
        return NULL;
    struct node *n = tree_alloc(sizeof *n + level.length);
    if (n == NULL)
        return NULL;
    n->parent = parent;
    n->hash = hash_of(parent, level);
    n->length = level.length;
    memcpy(n->level, level.data, level.length);
    n->chain = table[n->hash & (places - 1)];
    table[n->hash & (places - 1)] = n;
    n->next = parent->child;
    if (n->next)
        n->next->previous = n;
    parent->child = n;
    nodes++;
    return n;
}

/* Takes a node out that nobody needs any more, and the parents that were there for it alone. */
static void prune(struct node *n) {
    while (n != &root && !n->child && !n->subscriptions && !n->retained) {
        struct node *parent = n->parent, **link = &table[n->hash & (places - 1)];
        while (*link != n)
            link = &(*link)->chain;
        *link = n->chain;
        if (n->previous)
            n->previous->next = n->next;
        else
            parent->child = n->next;
        if (n->next)
            n->next->previous = n->previous;
        tree_bytes -= sizeof *n + n->length;
        free(n);
        nodes--;
        n = parent;
    }
}

/* Returns the node of a filter or a topic, which is made if it is not there and `make` says so; or NULL. */
static struct node *find_node(struct bytes path, int make) {
    struct node *n = &root;
    struct bytes level;
    while (next_level(&path, &level)) {
        struct node *child = find_child(n, level);
        if (child == NULL && make)
            child = add_child(n, level);
        if (child == NULL) {
            prune(n);
            return NULL;
        }
        n = child;
    }
    return n;
}

/* ---- Subscriptions ---- */

/* Takes one out of the list of its filter. */
static void unlink_subscription(struct subscription *s) {
    if (s->previous)
        s->previous->next = s->next;
    else
        s->node->subscriptions = s->next;
    if (s->next)
        s->next->previous = s->previous;
}

/* Puts one to the front of that list, where it is found at once when a packet names the same filter again and again. */
static void link_subscription(struct subscription *s) {
    s->previous = NULL;
    s->next = s->node->subscriptions;
    if (s->next)
        s->next->previous = s;
    s->node->subscriptions = s;
}

int subscribe(struct session *session, struct subscription **own, struct bytes filter, int qos) {
    struct node *n = find_node(filter, 1);
    if (n == NULL)
        return -1;
    struct subscription *s = n->subscriptions;
    while (s && s->session != session)
        s = s->next;
    int is_new = s == NULL;
    if (is_new) {
        s = tree_alloc(sizeof *s);
        if (s == NULL) {
            prune(n);
            return -1;
        }
        *s = (struct subscription){.session = session, .node = n, .own_next = *own};
        *own = s;
    } else {
        unlink_subscription(s);
    }
    link_subscription(s);
    s->qos = qos;
    s->fresh = 1;
    return is_new;
}

/* Ends the one that a link of the session's list leads to. */
static void end_subscription(struct subscription **link) {
    struct subscription *s = *link;
    *link = s->own_next;
    unlink_subscription(s);
    prune(s->node);
    tree_bytes -= sizeof *s;
    free(s);
}

int unsubscribe(struct subscription **own, struct bytes filter) {
    struct node *n = find_node(filter, 0);
    while (*own && (*own)->node != n)
        own = &(*own)->own_next;
    if (n == NULL || *own == NULL)
        return 0;
    end_subscription(own);
    return 1;
}

void unsubscribe_all(struct subscription **own) {
    while (*own)
        end_subscription(own);
}

struct bytes filter_of(const struct subscription *s) {
    static char text[STRING_MAX + 1];
    char *end = text + sizeof text, *at = end;
    for (const struct node *n = s->node; n != &root; n = n->parent) {
        *--at = '/'; /* behind each level, also the last one */
        at -= n->length;
        memcpy(at, n->level, n->length);
    }
    return (struct bytes){at, (size_t)(end - at) - 1};
}

static void report_all(const struct node *n, void (*found)(struct subscription *s)) {
    for (struct subscription *s = n ? n->subscriptions : NULL; s; s = s->next)
        found(s);
}

static int visited; /* nodes, for this message */

/* Matches what is left of a topic with what is below a node. `no_wildcards`: none matches here (the first level begins
 * with $). `#` stands for what is above it, too: sport/# matches sport. */
static void match_below(const struct node *n, struct bytes rest, int no_wildcards,
                        void (*found)(struct subscription *s)) {
    if (++visited > MATCH_NODES)
        return;
    static const struct bytes any = {"+", 1}, all = {"#", 1};
    struct bytes level;
    if (!no_wildcards)
        report_all(find_child(n, all), found);
    if (!next_level(&rest, &level)) {
        report_all(n, found);
        return;
    }
    const struct node *same = find_child(n, level), *wild = no_wildcards ? NULL : find_child(n, any);
    if (same)
        match_below(same, rest, 0, found);
    if (wild)
        match_below(wild, rest, 0, found);
}

int topic_match(struct bytes topic, void (*found)(struct subscription *s)) {
    visited = 0;
    match_below(&root, topic, topic.data[0] == '$', found);
    return visited > MATCH_NODES ? -1 : 0;
}

/* ---- Retained messages ---- */

int retain(struct message *m) {
    struct node *n = find_node(m->topic, m->payload.length > 0);
    if (n == NULL)
        return m->payload.length > 0 ? -1 : 0;
    size_t before = n->retained ? message_size(n->retained) : 0,
           now = m->payload.length > 0 ? message_size(m) : 0;
    int has_room = n->retained || retained_count < RETAINED_MAX;
    int fits = now == 0 || (has_room && retained_bytes - before + now <= RETAINED_BYTES);
    if (fits) {
        retained_count -= n->retained != NULL;
        retained_count += now > 0;
        retained_bytes += now - before;
        message_release(n->retained);
        n->retained = now > 0 ? message_hold(m) : NULL;
    }
    prune(n);
    return fits ? 0 : -1;
}

/* Finds the messages below a node that match what is left of a filter. Returns 0 when no more are wanted. */
static int retained_below(const struct node *n, struct bytes rest, int (*found)(struct message *m)) {
    static const struct bytes all = {"#", 1};
    struct bytes level;
    if (!next_level(&rest, &level))
        return n->retained == NULL || found(n->retained);
    int everything = is_sign(level, '#');
    if (everything && n->retained && !found(n->retained))
        return 0;
    if (!everything && !is_sign(level, '+')) {
        n = find_child(n, level);
        return n == NULL || retained_below(n, rest, found);
    }
    int top = n == &root;
    for (n = n->child; n; n = n->next)
        if (!(top && n->length > 0 && n->level[0] == '$') &&
            !retained_below(n, everything ? all : rest, found))
            return 0;
    return 1;
}

void retained_match(struct bytes filter, int (*found)(struct message *m)) {
    retained_below(&root, filter, found);
}
