package distfiles_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// A host that may not be asked is not, whatever names it.
func TestFetchHosts(t *testing.T) {
	var asked atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write(content)
	}))
	defer s.Close()
	host := strings.TrimPrefix(s.URL, "http://")
	src, store := source("a.tar", content, s.URL+"/a.tar"), open(t)
	for _, hosts := range [][]string{{}, {"example.org"}, {strings.Split(host, ":")[0]}} {
		o := quick()
		o.Hosts = hosts
		err := fetch(t, store, o, src)
		if err == nil || !strings.Contains(err.Error(), "not asked: only the image names this host") || asked.Load() > 0 {
			t.Errorf("hosts %q: error %v, %d requests", hosts, err, asked.Load())
		}
	}
	wantKept(t, store)
	o := quick()
	o.Hosts = []string{"example.org", host}
	if err := fetch(t, store, o, src); err != nil {
		t.Fatal(err)
	}
	wantKept(t, store, content)
}
