package distfiles

import (
	"context"
	"errors"
	"html"
	"net/url"
	"path"
	"regexp"
	"strings"
)

var href = regexp.MustCompile(`(?i)href\s*=\s*["']([^"']+)`)

// listing says where the releases beside a file are listed, and which links of
// that page are releases.
type listing struct {
	address string
	release *regexp.Regexp // its last group is the version
}

// forges list releases on a page of their own, by tags: those of the kinds of
// GitHub and GitLab.
var forges = []struct {
	file *regexp.Regexp // host, project, tag
	page string         // below host and project
	link string
}{
	{regexp.MustCompile(`^(https?://[^/]+)(/[^/]+/[^/]+)/releases/download/([^/]+)/`), "/tags", "/releases/tag/"},
	{regexp.MustCompile(`^(https?://[^/]+)(/[^/]+/[^/]+)/archive/(?:refs/tags/)?(.+)\.(?:tar\.gz|zip)$`), "/tags", "/releases/tag/"},
	{regexp.MustCompile(`^(https?://[^/]+)(/.+)/-/archive/([^/]+)/`), "/-/tags", "/-/tags/"},
	{regexp.MustCompile(`^(https?://[^/]+)(/.+)/-/releases/([^/]+)/`), "/-/tags", "/-/tags/"},
}

// listingOf returns where the releases beside a file are listed.
func listingOf(address string) (listing, error) {
	u, err := url.Parse(address)
	if err != nil {
		return listing{}, err
	}
	file := strings.TrimSuffix(u.Path, "/download")
	found := named.FindStringSubmatch(path.Base(file))
	if found == nil {
		return listing{}, errors.New("its name tells no version")
	}
	if l, ok := tagsOf(address, found[2]); ok {
		return l, nil
	}
	dir := *u
	dir.Path, dir.RawPath, dir.RawQuery = path.Dir(file)+"/", "", ""
	release := regexp.QuoteMeta("/"+found[1]) + `v?([0-9][0-9A-Za-z.+~_-]*?)\.(?:tar\.[0-9a-z]+|tgz|tbz2?|txz|zip)$`
	return listing{dir.String(), regexp.MustCompile(release)}, nil
}

// tagsOf returns where a forge lists the tags of the project that a file of that
// version is from, if the address is a forge's.
func tagsOf(address, version string) (listing, bool) {
	for _, f := range forges {
		at := f.file.FindStringSubmatch(address)
		if at == nil {
			continue
		}
		if before, _, ok := strings.Cut(at[3], version); ok {
			tag := regexp.QuoteMeta(at[2]+f.link+before) + `([0-9][0-9A-Za-z.+~_-]*)$`
			return listing{at[1] + at[2] + f.page, regexp.MustCompile(tag)}, true
		}
	}
	return listing{}, false
}

// listed returns the releases that a page lists beside the file of an origin.
func (s *survey) listed(ctx context.Context, address string) (found []Release, unknown []Answer) {
	l, err := listingOf(address)
	if err != nil {
		return nil, []Answer{{redact(address), Unreachable, err}}
	}
	links, err := s.pages.get(l.address, func() ([]string, error) { return s.links(ctx, l.address) })
	if err != nil {
		return nil, []Answer{{redact(l.address), Unreachable, err}}
	}
	for _, link := range links {
		if version := l.release.FindStringSubmatch(link); version != nil {
			found = append(found, Release{version[1], redact(l.address)})
		}
	}
	if found == nil {
		return nil, []Answer{{redact(l.address), Unreachable, errors.New("it lists no release")}}
	}
	return found, nil
}

// links returns the paths that a page leads to on its own host.
func (s *survey) links(ctx context.Context, address string) ([]string, error) {
	text, at, err := s.web.page(ctx, address)
	if err != nil {
		return nil, err
	}
	var links []string
	for _, found := range href.FindAllSubmatch(text, -1) {
		to, err := at.Parse(html.UnescapeString(string(found[1])))
		if err == nil && to.Host == at.Host {
			links = append(links, strings.TrimSuffix(to.Path, "/download"))
		}
	}
	return links, nil
}
