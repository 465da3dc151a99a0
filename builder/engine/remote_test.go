package engine_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/worker/label"

	"github.com/rootbuild/rootbuild/builder/buildertest"
	"github.com/rootbuild/rootbuild/builder/engine"
)

func TestBuilderValidate(t *testing.T) {
	tls := buildertest.Certificates(t)
	for _, test := range []struct {
		builder engine.Builder
		want    string // in the error; "": it is right
	}{
		{engine.Builder{}, ""},
		{engine.Builder{URL: "unix:///run/buildkit/buildkitd.sock"}, ""},
		{engine.Builder{URL: "containerd:///run/containerd/containerd.sock"}, ""},
		{engine.Builder{URL: "ssh://me@builder:22"}, ""},
		{engine.Builder{URL: "docker-container://buildkitd"}, ""},
		{engine.Builder{URL: "podman-container://buildkitd"}, ""},
		{engine.Builder{URL: "kube-pod://buildkitd-0"}, ""},
		{engine.Builder{URL: "tcp://127.0.0.1:1234"}, ""},
		{engine.Builder{URL: "tcp://localhost:1234"}, ""},
		{engine.Builder{URL: "tcp://[::1]:1234"}, ""},
		{engine.Builder{URL: "tcp://builder:1234", TLS: tls}, ""},
		{engine.Builder{URL: "tcp://builder:1234", Insecure: true}, ""},
		{engine.Builder{URL: "tcp://builder:1234"}, "--builder-insecure"},
		{engine.Builder{URL: "tcp://builder"}, "it is one of"},
		{engine.Builder{URL: "tcp://builder:1234", TLS: t.TempDir()}, "ca.pem: no such file"},
		{engine.Builder{URL: "unix:///socket", TLS: tls}, "--builder-tls is for tcp://"},
		{engine.Builder{TLS: tls}, "--builder-tls is for tcp://"},
		{engine.Builder{URL: "unix://socket"}, "it is one of"},
		{engine.Builder{URL: "/run/buildkit/buildkitd.sock"}, "it is one of"},
		{engine.Builder{URL: "ftp://builder"}, "it is one of"},
		{engine.Builder{URL: "ssh://"}, "it is one of"},
		{engine.Builder{URL: "tcp://%zz"}, "invalid URL escape"},
	} {
		err := test.builder.Validate()
		if (err == nil) != (test.want == "") || (err != nil && !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%+v: got %v, want %q", test.builder, err, test.want)
		}
	}
}

func TestBuilderRefused(t *testing.T) {
	for name, test := range map[string]struct {
		url  func(t *testing.T) string
		want string
	}{
		"nobody": {func(t *testing.T) string { return "unix://" + t.TempDir() + "/socket" }, "is buildkitd running there"},
		"native": {func(t *testing.T) string {
			return buildertest.Buildkitd(t, "--oci-worker-snapshotter", "native").URL
		}, "its snapshotter is native"},
		"platform": {func(t *testing.T) string {
			return buildertest.Buildkitd(t, "--oci-worker-platform", "linux/riscv64").URL
		}, "it runs linux/riscv64, and the base"},
		"no containerd": {func(t *testing.T) string { return "containerd://" + t.TempDir() + "/socket" }, "is containerd running"},
	} {
		t.Run(name, func(t *testing.T) {
			o := engine.Options{Dir: t.TempDir(), Builder: engine.Builder{URL: test.url(t)}}
			if err := engine.Check(t.Context(), o); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if _, err := engine.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("start: got %v, want %q", err, test.want)
			}
		})
	}
}

// A builder that lacks what a definition uses is named as too old.
func TestBuilderTooOld(t *testing.T) {
	d := buildertest.Buildkitd(t)
	f := buildertest.New(t)
	def := buildertest.Marshal(t, f.Step("step", "true"))
	o := engine.Options{Dir: t.TempDir(), Builder: engine.Builder{URL: d.URL}, Definitions: []*llb.Definition{def}}
	if err := engine.Check(t.Context(), o); err != nil {
		t.Error(err)
	}
	for step, m := range def.Metadata {
		m.Caps["exec.of.tomorrow"] = true
		def.Metadata[step] = m
	}
	if err := engine.Check(t.Context(), o); err == nil || !strings.Contains(err.Error(), "it has no exec.of.tomorrow") {
		t.Errorf("got %v, want that it has no exec.of.tomorrow", err)
	}
}

func TestRootlessRefused(t *testing.T) {
	w := &client.WorkerInfo{Labels: map[string]string{label.OCIProcessMode: "no-sandbox"}}
	if err := engine.CheckWorker(w); err == nil || !strings.Contains(err.Error(), "it is rootless") {
		t.Errorf("got %v, want that it is rootless", err)
	}
}

// A client without a certificate, and a server with that of somebody else.
func TestBuilderTLS(t *testing.T) {
	tls, other := buildertest.Certificates(t), buildertest.Certificates(t)
	url := buildertest.BuildkitdTLS(t, tls)
	for name, b := range map[string]engine.Builder{
		"none":  {URL: url},
		"other": {URL: url, TLS: other},
	} {
		if err := engine.Check(t.Context(), engine.Options{Dir: t.TempDir(), Builder: b}); err == nil {
			t.Errorf("%s: a stranger is let in", name)
		}
	}
	if err := engine.Check(t.Context(), engine.Options{Dir: t.TempDir(), Builder: engine.Builder{URL: url, TLS: tls}}); err != nil {
		t.Error(err)
	}
}

// chain is a step that is done at once, and one of it that takes long. What runs of
// the second is seen by its name.
func chain(f buildertest.Fixture, name string) llb.State {
	first := f.Step("first", "echo first >/out/first")
	return f.Step("second", "sleep 600 # "+name+"\necho never", buildertest.Mount("/first", first))
}

// running says whether the second step of a chain runs on this host.
func running(name string) bool {
	return exec.Command("pgrep", "-f", "sleep 600 # "+name).Run() == nil
}

func awaitRunning(t *testing.T, name string, want bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); running(name) != want; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("step running: %t, want %t", !want, want)
		}
	}
}

// A builder that is killed is one error, and the next run goes on with what it finished.
func TestBuilderLost(t *testing.T) {
	for name, d := range map[string]*buildertest.Daemon{"buildkitd": buildertest.Buildkitd(t), "containerd": buildertest.Containerd(t)} {
		t.Run(name, func(t *testing.T) {
			f := buildertest.New(t).On(t, engine.Builder{URL: d.URL})
			e, err := f.Start()
			if err != nil {
				t.Fatal(err)
			}
			failed := make(chan error, 1)
			go func() { failed <- e.Build(t.Context(), jobOf(t, chain(f, "lost-"+name)), engine.Watch{}) }()
			awaitRunning(t, "lost-"+name, true)
			d.Kill()
			var lost *engine.LostError
			if err := <-failed; !errors.As(err, &lost) || len(lost.Steps) != 1 || lost.Steps[0] != "second" || !strings.Contains(err.Error(), d.URL) {
				t.Errorf("got %v, want a LostError of the step second", err)
			}
			if err := e.Close(); err != nil {
				t.Error(err)
			}
			d.Start(t)
			if !cached(t, f, "first", f.Step("first", "echo first >/out/first")) {
				t.Error("the step that was finished ran again")
			}
		})
	}
}

func jobOf(t *testing.T, s llb.State) []engine.Job {
	return []engine.Job{{Name: "job", Definition: buildertest.Marshal(t, s), Write: drain}}
}

// cached builds a state, and says whether its step of that name was there.
func cached(t *testing.T, f buildertest.Fixture, name string, s llb.State) bool {
	t.Helper()
	e, err := f.Start()
	if err != nil {
		t.Fatal(err)
	}
	found := false
	err = e.Build(t.Context(), jobOf(t, s), engine.Watch{Step: func(s engine.Step) error {
		found = found || s.Name == name && s.Cached
		return nil
	}})
	if err := errors.Join(err, e.Close()); err != nil {
		t.Fatal(err)
	}
	return found
}

// Who interrupts the client stops the steps over there.
func TestBuilderInterrupted(t *testing.T) {
	for name, url := range map[string]string{"buildkitd": buildertest.Buildkitd(t).URL, "containerd": buildertest.Containerd(t).URL} {
		t.Run(name, func(t *testing.T) {
			f := buildertest.New(t).On(t, engine.Builder{URL: url})
			e, err := f.Start()
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			failed := make(chan error, 1)
			go func() {
				failed <- e.Build(ctx, jobOf(t, chain(f, name)), engine.Watch{})
			}()
			awaitRunning(t, name, true)
			cancel()
			if err := <-failed; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want that it was cancelled", err)
			}
			awaitRunning(t, name, false)
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// What a builder keeps in containerd goes with the state.
func TestContainerdDiscard(t *testing.T) {
	d := buildertest.Containerd(t)
	b := engine.Builder{URL: d.URL}
	f := buildertest.New(t).On(t, b)
	build(t, f, f.Step("one", "echo one >/out/one"))
	snapshots := filepath.Join(d.Dir, "root", "io.containerd.snapshotter.v1.overlayfs", "snapshots")
	if entries, err := os.ReadDir(snapshots); err != nil || len(entries) == 0 {
		t.Fatalf("nothing in %s: %v", snapshots, err)
	}
	if err := engine.Discard(t.Context(), b, f.State.BuildKit()); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(snapshots); err != nil || len(entries) != 0 {
		t.Errorf("%d snapshots are left: %v", len(entries), err)
	}
}

func TestValidate(t *testing.T) {
	one, two := engine.Builder{URL: "unix:///one"}, engine.Builder{URL: "unix:///two"}
	for name, test := range map[string]struct {
		list []engine.Builder
		want string
	}{
		"embedded":        {[]engine.Builder{{}}, ""},
		"two":             {[]engine.Builder{one, two}, ""},
		"twice":           {[]engine.Builder{one, two, one}, "builder unix:///one is named twice"},
		"with embedded":   {[]engine.Builder{one, {}}, "the embedded BuildKit runs steps by way of this process"},
		"with containerd": {[]engine.Builder{one, {URL: "containerd:///socket"}}, "builder containerd:///socket runs steps by way of this process"},
		"no URL":          {[]engine.Builder{one, {URL: "two"}}, "it is one of"},
	} {
		err := engine.Validate(test.list)
		if (err == nil) != (test.want == "") || (err != nil && !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}
