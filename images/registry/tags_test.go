package registry_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/registry"
)

// paged answers with a list of tags on two pages, the second of which fails once.
func paged(t *testing.T, link string) string {
	t.Helper()
	failed := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/v2/":
		case r.URL.Query().Get("last") == "":
			w.Header().Set("Link", fmt.Sprintf(link, r.URL.Path+"?last=b"))
			fmt.Fprint(w, `{"tags": ["a", "b"]}`)
		case !failed:
			failed = true
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			fmt.Fprint(w, `{"tags": ["c"]}`)
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://") + "/packages:none"
}

func TestTags(t *testing.T) {
	for link, want := range map[string][]string{
		`<%s>; rel="next"`:                   {"a", "b", "c"},
		`<http://example.org%s>; rel="next"`: {"a", "b"}, // nobody is sent elsewhere
	} {
		got, err := registry.Tags(t.Context(), imagetest.Reference(t, paged(t, link)), impatient())
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %v, %v, want %v", link, got, err, want)
		}
	}
	address := startRegistry(t, "")
	l, h := imagetest.NodeImage(t, 1)
	pushTo(t, l, h, address+"/roots/site:1")
	got, err := registry.Tags(t.Context(), imagetest.Reference(t, address+"/roots/site:9"), impatient())
	if err != nil || !slices.Equal(got, []string{"1"}) {
		t.Errorf("got %v, %v, want the tag 1", got, err)
	}
	if got, err := registry.Tags(t.Context(), imagetest.Reference(t, address+"/nothing:1"), impatient()); err != nil || len(got) > 0 {
		t.Errorf("got %v, %v, want none", got, err)
	}
}
