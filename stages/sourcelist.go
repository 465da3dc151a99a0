package stages

import "net/url"

// SourceList names every source of an image, with what is built from it.
type SourceList struct {
	Image   string         `json:"image"` // digest of its manifest
	Sources []ListedSource `json:"sources"`
}

// ListedSource is one file of a SourceList.
type ListedSource struct {
	Name     string         `json:"name"`
	SHA256   string         `json:"sha256"`
	Origins  []ListedOrigin `json:"origins"`
	Packages []string       `json:"packages"` // and tools, each NAME-VERSION
}

// ListedOrigin is a place that has the file; one of URL and Apt is set.
type ListedOrigin struct {
	URL    string `json:"url,omitempty"`
	Apt    string `json:"apt,omitempty"`    // path in a Debian archive
	Member string `json:"member,omitempty"` // path in the Debian package that URL or Apt names
}

// Sources returns the sources of all stages, each checksum once: by the name,
// and with the origins, that the first stage has for it.
func (g Graph) Sources() []Source {
	var list []Source
	seen := map[string]bool{}
	for _, r := range g.Stages {
		for _, s := range r.Sources {
			if !seen[s.SHA256] {
				seen[s.SHA256] = true
				list = append(list, s)
			}
		}
	}
	return list
}

// SourceListJSON returns the list of the sources of the image with that manifest
// digest as JSON.
func (g Graph) SourceListJSON(digest string) ([]byte, error) { return encode(g.sourceList(digest)) }

func (g Graph) sourceList(digest string) SourceList {
	packages := map[string][]string{}
	for _, r := range g.Stages {
		for _, s := range r.Sources {
			packages[s.SHA256] = append(packages[s.SHA256], r.Name+"-"+r.Version)
		}
	}
	list := SourceList{Image: digest, Sources: []ListedSource{}}
	for _, s := range g.Sources() {
		listed := ListedSource{Name: s.Name, SHA256: s.SHA256, Packages: packages[s.SHA256]}
		for _, o := range s.Origins {
			o.URL = public(o.URL)
			listed.Origins = append(listed.Origins, ListedOrigin(o))
		}
		list.Sources = append(list.Sources, listed)
	}
	return list
}

// String names the origin as messages and documents show it.
func (o Origin) String() string {
	where := public(o.URL)
	if o.URL == "" {
		where = "apt " + o.Apt
	}
	if o.Member != "" {
		where += " (its file " + o.Member + ")"
	}
	return where
}

// public returns an address without its password: documents go where images go.
func public(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Redacted()
}
