package leaks_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"testing"
)

// program is an ELF file with nothing but what the loader is told: a library
// that it wants, and where to look for it.
func program(t *testing.T, library, runPath string) string {
	t.Helper()
	names := "\x00" + library + "\x00" + runPath + "\x00"
	dynamic := []elf.Dyn64{{Tag: int64(elf.DT_NEEDED), Val: 1}}
	if runPath != "" {
		dynamic = append(dynamic, elf.Dyn64{Tag: int64(elf.DT_RUNPATH), Val: uint64(len(library)) + 2})
	}
	dynamic = append(dynamic, elf.Dyn64{Tag: int64(elf.DT_NULL)})
	const headerSize, dynSize = 64, 16
	namesAt := uint64(headerSize)
	dynamicAt := namesAt + uint64(len(names))
	sectionsAt := dynamicAt + uint64(len(dynamic)*dynSize)
	header := elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_DYN), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Shoff: sectionsAt, Ehsize: headerSize, Shentsize: 64, Shnum: 3, Shstrndx: 1,
	}
	sections := []elf.Section64{
		{},
		{Type: uint32(elf.SHT_STRTAB), Off: namesAt, Size: uint64(len(names))},
		{Type: uint32(elf.SHT_DYNAMIC), Off: dynamicAt, Size: uint64(len(dynamic) * dynSize), Link: 1, Entsize: dynSize},
	}
	var buf bytes.Buffer
	for _, part := range []any{header, []byte(names), dynamic, sections} {
		if err := binary.Write(&buf, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return buf.String()
}
