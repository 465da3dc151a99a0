package stages_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestFragments runs what configures a kernel on a small tree of the same make.
func TestFragments(t *testing.T) {
	tests := []struct {
		name      string
		fragments []string // the text of each
		lines     []string // of config, in the recipe or a target
		config    string   // what comes out
		faults    []string // or what is told
	}{
		{
			name:      "all is off but what is named",
			fragments: []string{"# net\nCONFIG_NET=y\n"},
			config:    "CONFIG_NET=y\n# CONFIG_INET is not set\n# CONFIG_NFS_FS is not set\n# CONFIG_HOSTNAME is not set\n",
		},
		{
			name:      "the last one wins",
			fragments: []string{"CONFIG_NET=y\nCONFIG_INET=y\nCONFIG_NFS_FS=y\n", "\nCONFIG_NFS_FS=n\n# CONFIG_INET is not set\n"},
			lines:     []string{"CONFIG_INET=y", "CONFIG_NFS_FS=m", `CONFIG_HOSTNAME="a b=c"`},
			config:    "CONFIG_NET=y\nCONFIG_INET=y\nCONFIG_NFS_FS=m\nCONFIG_HOSTNAME=\"a b=c\"\n",
		},
		{
			name:      "every line that does not come through is told",
			fragments: []string{"CONFIG_NFS_FS=y\nCONFIG_INET=n\nCONFIG_NFSROOT=y\n"},
			lines:     []string{"CONFIG_INET=y", "CONFIG_NO_SUCH=n"},
			faults: []string{
				"build.config:1: CONFIG_INET=y came out as n: Kconfig:4 says on what it depends",
				"build.config:2: CONFIG_NO_SUCH=n: tiny 1.0 knows no such symbol",
				"config/0:1: CONFIG_NFS_FS=y came out as n: Kconfig:8 says on what it depends",
				"config/0:3: CONFIG_NFSROOT=y: tiny 1.0 knows no such symbol",
			},
		},
		{
			name:      "what is no line of a configuration",
			fragments: []string{"CONFIG_NET=y\nINET=y\n"},
			lines:     []string{"CONFIG_NET=", "CONFIG_INET y"},
			faults: []string{
				"config/0:2: no line of a configuration: INET=y",
				"build.config:1: no line of a configuration: CONFIG_NET=",
				"build.config:2: no line of a configuration: CONFIG_INET y",
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config, faults, err := configure(t, test.fragments, test.lines)
			if (err != nil) != (len(test.faults) > 0) {
				t.Errorf("ended with %v", err)
			}
			if want := strings.Join(test.faults, "\n"); faults != want {
				t.Errorf("told\n%s\nwant\n%s", faults, want)
			}
			if err == nil && config != test.config {
				t.Errorf(".config is\n%s\nwant\n%s", config, test.config)
			}
		})
	}
}

// configure runs the script of the build system in directories of the test.
func configure(t *testing.T, fragments, lines []string) (config, faults string, err error) {
	t.Helper()
	dir := t.TempDir()
	for _, sub := range []string{"recipe/config", "build"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "src"), os.DirFS("testdata/kconfig")); err != nil {
		t.Fatal(err)
	}
	var names []string
	for i, text := range fragments {
		names = append(names, filepath.Join(dir, "recipe/config", string(rune('0'+i))))
		if err := os.WriteFile(names[i], []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	script, err := os.ReadFile("scripts/kconfig.sh")
	if err != nil {
		t.Fatal(err)
	}
	// In a pattern of the script a slash is escaped.
	text := strings.NewReplacer("/build/", dir+"/build/", "/recipe/", dir+"/recipe/",
		`\/build\/`, strings.ReplaceAll(dir+"/build/", "/", `\/`), `\/recipe\/`, strings.ReplaceAll(dir+"/recipe/", "/", `\/`)).Replace(string(script))
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", "arguments=(-s)\nfragments=('"+strings.Join(names, "' '")+
		"')\nlines=('"+strings.Join(lines, "' '")+"')\n"+text)
	cmd.Dir, cmd.Env = filepath.Join(dir, "src"), append(os.Environ(), "NAME=tiny", "VERSION=1.0")
	var told strings.Builder
	cmd.Stderr = &told
	if err = cmd.Run(); err != nil {
		return "", strings.TrimSpace(told.String()), err
	}
	got, err := os.ReadFile(filepath.Join(cmd.Dir, ".config"))
	return string(got), strings.TrimSpace(told.String()), err
}
