package kmod_test

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/rootbuild/rootbuild/images/cpio"
	"github.com/rootbuild/rootbuild/images/cpio/kmod"
	"github.com/ulikunitz/xz"
)

const release = "6.1.0-test"

// kernel is a directory of modules: what each tells of itself, by its path.
var kernel = map[string]string{
	"kernel/fs/nfs/nfs.ko":                            "depends=sunrpc,lib-crc",
	"kernel/fs/nfs/nfsv4.ko":                          "depends=nfs,sunrpc",
	"kernel/net/sunrpc/sunrpc.ko":                     "depends=",
	"kernel/lib/lib-crc.ko":                           "softdep=pre: crc32c",
	"kernel/crypto/crc32c_generic.ko":                 "alias=crc32c",
	"kernel/crypto/unused.ko":                         "alias=other",
	"kernel/arch/x86/crypto/crc32c-intel.ko":          "alias=crc32c",
	"kernel/drivers/net/ethernet/a/card.ko.xz":        "alias=pci:v00001*\nsoftdep=pre: transceiver\ndepends=virtio",
	"kernel/drivers/net/phy/transceiver.ko.gz":        "alias=mdio:1*",
	"kernel/drivers/net/ethernet/a/old_cs.ko":         "alias=pcmcia:*",
	"kernel/drivers/net/usb/usbcard.ko.zst":           "depends=usbnet",
	"kernel/drivers/net/usb/usbnet.ko":                "depends=",
	"updates/dkms/sunrpc.ko":                          "alias=newer",
	"kernel/drivers/net/ethernet/b/deep/deepest-x.ko": "depends=",
}

func TestSelect(t *testing.T) {
	for _, c := range []struct {
		name string
		more []string
		want string
	}{
		{"usual", nil, `updates/dkms/sunrpc.ko:
kernel/lib/lib-crc.ko:
`},
		{"named", []string{"usbcard"}, "kernel/drivers/net/usb/usbcard.ko: kernel/drivers/net/usb/usbnet.ko\n"},
		{"pattern", []string{"drivers/net/usb/*"}, "kernel/drivers/net/usb/usbnet.ko:\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dep := string(initramfs(t, open(t, kernel), c.more...)["usr/lib/modules/"+release+"/modules.dep"].Content)
			for line := range strings.Lines(c.want) {
				if !strings.Contains("\n"+dep, "\n"+line) {
					t.Errorf("no line %qin\n%s", line, dep)
				}
			}
		})
	}
}

// What must be loaded first comes last in a line, as modprobe reads it.
func TestIndex(t *testing.T) {
	tree := initramfs(t, open(t, kernel))
	const dep = `kernel/drivers/net/ethernet/a/card.ko: kernel/drivers/net/phy/transceiver.ko
kernel/crypto/crc32c_generic.ko:
kernel/arch/x86/crypto/crc32c-intel.ko:
kernel/drivers/net/ethernet/b/deep/deepest-x.ko:
kernel/lib/lib-crc.ko:
kernel/fs/nfs/nfs.ko: kernel/lib/lib-crc.ko updates/dkms/sunrpc.ko
kernel/fs/nfs/nfsv4.ko: kernel/fs/nfs/nfs.ko kernel/lib/lib-crc.ko updates/dkms/sunrpc.ko
updates/dkms/sunrpc.ko:
kernel/drivers/net/phy/transceiver.ko:
`
	const alias = `alias pci:v00001* card
alias crc32c crc32c_generic
alias crc32c crc32c_intel
alias newer sunrpc
alias mdio:1* transceiver
`
	for name, want := range map[string]string{"modules.dep": dep, "modules.alias": alias} {
		if got := string(tree["usr/lib/modules/"+release+"/"+name].Content); got != want {
			t.Errorf("%s is\n%swant\n%s", name, got, want)
		}
	}
	plain := modinfo(t, kernel["kernel/drivers/net/ethernet/a/card.ko.xz"])
	if got := tree["usr/lib/modules/"+release+"/kernel/drivers/net/ethernet/a/card.ko"]; got == nil || !bytes.Equal(got.Content, plain) {
		t.Error("card.ko is not there as it was before it was packed")
	}
}

func TestOpenOneBelow(t *testing.T) {
	dir := open(t, kernel)
	d, err := kmod.Open(filepath.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	if d.Release != release {
		t.Errorf("release %q, want %q", d.Release, release)
	}
}

func TestFaults(t *testing.T) {
	several := filepath.Dir(open(t, kernel))
	if err := os.MkdirAll(filepath.Join(several, "5.10", "kernel"), 0o755); err != nil {
		t.Fatal(err)
	}
	without := func(files ...string) map[string]string {
		k := maps.Clone(kernel)
		for _, f := range files {
			delete(k, f)
		}
		return k
	}
	broken := maps.Clone(kernel)
	broken["kernel/fs/nfs/nfs.ko"] = "depends=nowhere"
	for _, c := range []struct {
		name, dir string
		more      []string
		want      string
	}{
		{"no modules", t.TempDir(), nil, "holds no kernel modules: name a directory such as /lib/modules/VERSION"},
		{"missing", "/no/such/dir", nil, "reading kernel modules: open /no/such/dir: no such file"},
		{"several", several, nil, "several kernels, 5.10, 6.1.0-test: name one of them"},
		{"unknown", open(t, kernel), []string{"usbcrd"}, `unknown module "usbcrd" of kernel 6.1.0-test; did you mean "usbcard"`},
		{"no NFS", open(t, without("kernel/fs/nfs/nfs.ko", "kernel/fs/nfs/nfsv4.ko")), nil, "kernel 6.1.0-test has no NFS client"},
		{"dependency", open(t, broken), nil, "kernel module nfs depends on nowhere, which is neither in "},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := kmod.Open(c.dir)
			if err == nil {
				_, err = d.Select(c.more)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// initramfs packs the modules of a directory.
func initramfs(t *testing.T, dir string, more ...string) cpio.Tree {
	t.Helper()
	d, err := kmod.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	set, err := d.Select(more)
	if err != nil {
		t.Fatal(err)
	}
	tree := cpio.Tree{}
	if err := set.AddTo(tree); err != nil {
		t.Fatal(err)
	}
	if n := len(tree) - len([]string{"modules.dep", "modules.alias"}); n != set.Len() {
		t.Errorf("the tree has %d modules, the set %d", n, set.Len())
	}
	return tree
}

// open writes a directory of modules. Its kernel has virtio built in.
func open(t *testing.T, modules map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), release)
	for file, info := range modules {
		save(t, filepath.Join(dir, file), packed(t, file, modinfo(t, info)))
	}
	save(t, filepath.Join(dir, "modules.builtin"), []byte("kernel/drivers/virtio/virtio.ko\n"))
	return dir
}

func save(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// packed packs as the ending of the name says.
func packed(t *testing.T, file string, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	var w interface {
		Write([]byte) (int, error)
		Close() error
	}
	switch filepath.Ext(file) {
	case ".gz":
		w = gzip.NewWriter(&b)
	case ".xz":
		w, err = xz.NewWriter(&b)
	case ".zst":
		w, err = zstd.NewWriter(&b)
	default:
		return content
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// modinfo is an ELF file with nothing but the lines of its section .modinfo.
func modinfo(t *testing.T, lines string) []byte {
	t.Helper()
	info := []byte(strings.ReplaceAll(lines, "\n", "\x00") + "\x00")
	names := []byte("\x00.modinfo\x00.shstrtab\x00")
	const headerSize, sectionSize = 64, 64
	at := uint64(headerSize + len(info))
	header := elf.Header64{
		Ident:   [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:    uint16(elf.ET_REL),
		Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Shoff: at + uint64(len(names)), Ehsize: headerSize, Shentsize: sectionSize, Shnum: 3, Shstrndx: 2,
	}
	sections := []elf.Section64{
		{},
		{Name: 1, Type: uint32(elf.SHT_PROGBITS), Off: headerSize, Size: uint64(len(info))},
		{Name: 10, Type: uint32(elf.SHT_STRTAB), Off: at, Size: uint64(len(names))},
	}
	var b bytes.Buffer
	for _, part := range []any{header, info, names, sections} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}
