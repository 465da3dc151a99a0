/* gettext for a C library without it: every text stays as it is. */
#pragma once

static inline char *gettext(const char *text) { return (char *)text; }

static inline char *dgettext(const char *domain, const char *text)
{
	(void)domain;
	return (char *)text;
}

static inline char *dcgettext(const char *domain, const char *text, int category)
{
	(void)domain, (void)category;
	return (char *)text;
}

static inline char *ngettext(const char *one, const char *many, unsigned long n)
{
	return (char *)(n == 1 ? one : many);
}

static inline char *dngettext(const char *domain, const char *one, const char *many, unsigned long n)
{
	(void)domain;
	return ngettext(one, many, n);
}

static inline char *textdomain(const char *domain) { return (char *)(domain ? domain : "messages"); }

static inline char *bindtextdomain(const char *domain, const char *directory)
{
	(void)domain;
	return (char *)directory;
}

static inline char *bind_textdomain_codeset(const char *domain, const char *codeset)
{
	(void)domain;
	return (char *)codeset;
}
