package entries

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Site says where boot entries are written, and what they say beside the root.
type Site struct {
	// TFTP is the directory that TFTP or HTTP serves, an absolute path.
	TFTP string `json:"tftp"`
	// Server is the NFS server as nodes reach it: an IPv4 address or a name. Empty for
	// the server that DHCP names.
	Server string `json:"server,omitempty"`
	// Export is the directory of node roots as nodes mount it, an absolute path.
	Export string `json:"export"`
	// NFSOptions are options of the mount, such as vers=4.1, separated by commas.
	NFSOptions string `json:"nfs_options,omitempty"`
	// Words are further words of the kernel's command line.
	Words []string `json:"words,omitempty"`
	// Loaders are the boot loaders of the site.
	Loaders []string `json:"loaders"`
	// Templates is a directory whose templates replace the embedded ones.
	Templates string `json:"templates"`
}

// SiteTemplates is where a site's templates lie if it names no other directory. It
// may be absent.
const SiteTemplates = "/etc/rootbuild/entries"

// The loaders that entries are written for.
const (
	PXELinux = "pxelinux"
	GRUB     = "grub"
	IPXE     = "ipxe"
)

// AllLoaders are the loaders in the order of their names.
var AllLoaders = []string{GRUB, IPXE, PXELinux}

var (
	serverPattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$`)
	pathPattern   = regexp.MustCompile(`^/[A-Za-z0-9_@%+=:./~-]*$`)
	// No loader takes one of these characters for its own.
	wordPattern = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./~-]+$`)
)

// Check says what is wrong with a site, everything at once.
func (s Site) Check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !filepath.IsAbs(s.TFTP) {
		bad("TFTP directory %q: want an absolute path", s.TFTP)
	}
	if s.Server != "" && !serverPattern.MatchString(s.Server) {
		bad("server %q: want an IPv4 address or a name", s.Server)
	}
	if !pathPattern.MatchString(s.Export) {
		bad("export %q: want an absolute path of letters, digits and _@%%+=:./~-", s.Export)
	}
	if s.NFSOptions != "" && !wordPattern.MatchString(s.NFSOptions) {
		bad("NFS options %q: want them as nfs(5) has them, separated by commas", s.NFSOptions)
	}
	for _, w := range s.Words {
		if !wordPattern.MatchString(w) {
			bad("word %q: want letters, digits and _@%%+=:,./~-, which no boot loader takes for its own", w)
		}
	}
	if len(s.Loaders) == 0 {
		bad("no boot loader: want some of %s", strings.Join(AllLoaders, ", "))
	}
	for _, l := range s.Loaders {
		if !slices.Contains(AllLoaders, l) {
			bad("boot loader %q: want one of %s", l, strings.Join(AllLoaders, ", "))
		}
	}
	return errors.Join(errs...)
}

// maxCommandLine is how many bytes of a command line a kernel of x86 or arm64 reads.
const maxCommandLine = 2047

// commandLine is what the kernel of a root is told; a loader adds BOOTIF=.
func (s Site) commandLine(r Root) (string, error) {
	root := s.Export + "/" + r.Tag
	if s.Server != "" {
		root = s.Server + ":" + root
	}
	if s.NFSOptions != "" {
		root += "," + s.NFSOptions
	}
	line := strings.Join(append([]string{
		"ip=dhcp", "nfsroot=" + root, "rootbuild.tag=" + r.Tag, "rootbuild.digest=sha256:" + r.Digest,
	}, s.Words...), " ")
	const bootif = len(" BOOTIF=01-52-54-00-12-34-56")
	if len(line)+bootif > maxCommandLine {
		return "", fmt.Errorf("the command line of %s has %d bytes, and a kernel reads %d: give it fewer words", r.Tag, len(line)+bootif, maxCommandLine)
	}
	return line, nil
}
