package compare

import (
	"bytes"
	"debug/elf"
	"fmt"
)

// elfPieces are the sections of an ELF file, and its headers.
func elfPieces(data []byte) []piece {
	if !bytes.HasPrefix(data, []byte(elf.ELFMAG)) {
		return nil
	}
	file, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	var pieces []piece
	seen := map[string]int{}
	for _, s := range file.Sections {
		if s.Type == elf.SHT_NULL {
			continue
		}
		p := piece{name: "section " + s.Name}
		// An object file may have many sections of one name.
		if seen[s.Name]++; seen[s.Name] > 1 {
			p.name += fmt.Sprintf(" (%d)", seen[s.Name])
		}
		if s.Type != elf.SHT_NOBITS {
			if p.data, err = raw(data, s); err != nil {
				return nil
			}
		}
		pieces = append(pieces, p)
	}
	return pieces
}

// raw is a section as it stands in the file.
func raw(data []byte, s *elf.Section) ([]byte, error) {
	end := s.Offset + s.FileSize
	if end < s.Offset || end > uint64(len(data)) {
		return nil, fmt.Errorf("section %s lies outside of the file", s.Name)
	}
	return data[s.Offset:end], nil
}
