// What programs of a step ask the system for, answered otherwise. VARY names
// what: clock (years ahead), order (of directories, the last entry first),
// kernel (name and release).
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>

#define AHEAD (5 * 365 * 24 * 60 * 60)
#define OPEN 64

static int varied(const char *what) {
	const char *all = getenv("VARY");
	return all && strstr(all, what);
}

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

int clock_gettime(clockid_t id, struct timespec *t) {
	int (*next)(clockid_t, struct timespec *) = real("clock_gettime");
	int status = next(id, t);
	if (status == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) && varied("clock"))
		t->tv_sec += AHEAD;
	return status;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone) {
	int (*next)(struct timeval *, void *) = real("gettimeofday");
	int status = next(t, zone);
	if (status == 0 && varied("clock"))
		t->tv_sec += AHEAD;
	return status;
}

time_t time(time_t *to) {
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	if (to)
		*to = t.tv_sec;
	return t.tv_sec;
}

int uname(struct utsname *u) {
	int (*next)(struct utsname *) = real("uname");
	int status = next(u);
	if (status == 0 && varied("kernel")) {
		strcpy(u->release, "9.9.9-other");
		strcpy(u->version, "#1 of another day");
	}
	return status;
}

// A directory that is being read, with all its entries.
static __thread struct listing {
	DIR *of;
	struct dirent **entries;
	long left;
} listings[OPEN];

static struct listing *listing(DIR *d) {
	for (int i = 0; i < OPEN; i++)
		if (listings[i].of == d)
			return &listings[i];
	return NULL;
}

static void forget(DIR *d) {
	struct listing *l = d ? listing(d) : NULL;
	if (!l)
		return;
	while (l->left > 0)
		free(l->entries[--l->left]);
	free(l->entries);
	memset(l, 0, sizeof *l);
}

struct dirent *readdir(DIR *d) {
	struct dirent *(*next)(DIR *) = real("readdir");
	struct listing *l = listing(d);
	if (!varied("order"))
		return next(d);
	if (!l) {
		l = listing(NULL);
		if (!l)
			return next(d);
		l->of = d;
		for (struct dirent *e; (e = next(d));) {
			l->entries = realloc(l->entries, (l->left + 1) * sizeof *l->entries);
			l->entries[l->left] = malloc(e->d_reclen);
			memcpy(l->entries[l->left++], e, e->d_reclen);
		}
	}
	static __thread struct dirent current;
	if (l->left == 0)
		return NULL;
	struct dirent *e = l->entries[--l->left];
	memcpy(&current, e, e->d_reclen);
	free(e);
	return &current;
}

struct dirent64 *readdir64(DIR *d) { return (struct dirent64 *)readdir(d); }

void rewinddir(DIR *d) {
	void (*next)(DIR *) = real("rewinddir");
	forget(d);
	next(d);
}

int closedir(DIR *d) {
	int (*next)(DIR *) = real("closedir");
	forget(d);
	return next(d);
}
