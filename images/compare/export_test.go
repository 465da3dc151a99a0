package compare

// Content compares two files.
func Content(a, b []byte) []Difference { return content(a, b, 0) }
