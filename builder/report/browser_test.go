package report_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// screenshots names the directory where pictures of the page stay.
const screenshots = "ROOTBUILD_SCREENSHOTS"

// probe shows a page in a frame of a phone's width, comes to a stage as by the tab key,
// and writes down what became of that.
const probe = `<!doctype html><iframe id="frame" src="/report" width="375" height="700" style="border:0"></iframe><pre id="found"></pre><script>
document.getElementById("frame").addEventListener("load", () => {
	const page = document.getElementById("frame").contentDocument;
	const node = page.querySelector('[data-name="bash"]');
	node.dispatchEvent(new FocusEvent("focus"));
	const names = (mark) => [...page.querySelectorAll(".node." + mark)].map((n) => n.dataset.name).join(" ");
	document.getElementById("found").textContent = [
		"wide " + page.documentElement.scrollWidth, "high " + page.documentElement.scrollHeight,
		"self " + names("self"), "earlier " + names("earlier"), "later " + names("later"),
	].join("\n");
});
</script>`

// A browser shows the page without scrolling it sideways on a phone, takes its script and
// its style, and follows the graph.
func TestBrowser(t *testing.T) {
	b := newBrowser(t)
	found := regexp.MustCompile(`(?s)<pre id="found">(.*?)</pre>`).FindStringSubmatch(b.run("--dump-dom", "--virtual-time-budget=5000", b.url+"/probe"))
	if found == nil {
		t.Fatal("the page did not come up")
	}
	said := map[string]string{}
	for line := range strings.Lines(found[1]) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		said[name] = value
	}
	if wide, err := strconv.Atoi(said["wide"]); err != nil || wide > 375 {
		t.Errorf("the page is %s pixels wide, and the window 375", said["wide"])
	}
	if said["self"] != "bash" || said["earlier"] != "linux-headers binutils gcc musl libgcc ncurses readline" || said["later"] != "" {
		t.Errorf("of bash the graph shows %q", said)
	}
	if high, err := strconv.Atoi(said["high"]); err == nil {
		b.shoot(high)
	}
}

// shoot takes pictures of the page: for a phone, where it is so high, and a desk, light
// and dark.
func (b *browser) shoot(high int) {
	dir := os.Getenv(screenshots)
	if dir == "" {
		dir = b.t.ArtifactDir()
	}
	for _, width := range []int{375, 1280} {
		for scheme, name := range []string{"dark", "light"} {
			file := filepath.Join(dir, fmt.Sprintf("report-%d-%s.png", width, name))
			b.run(fmt.Sprintf("--blink-settings=preferredColorScheme=%d", scheme), fmt.Sprintf("--window-size=%d,%d", width, high), "--screenshot="+file, b.url+"/report")
			if info, err := os.Stat(file); err != nil || info.Size() < 10_000 {
				b.t.Errorf("no picture in %s: %v", file, err)
			}
		}
	}
}

type browser struct {
	t       *testing.T
	program string
	url     string
}

// newBrowser serves the page on loopback to the chromium of this host, if it has one.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("needs chromium")
	}
	serve := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/report", serve(html(t, page())))
	mux.HandleFunc("/probe", serve(probe))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return &browser{t, program, server.URL}
}

// run starts the browser for one page and returns what it writes.
func (b *browser) run(args ...string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 2*time.Minute)
	defer cancel()
	home := b.t.TempDir()
	cmd := exec.CommandContext(ctx, b.program, append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run", "--user-data-dir=" + home,
	}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+home)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		b.t.Fatalf("chromium: %v\n%s", err, said.String())
	}
	return string(out)
}
