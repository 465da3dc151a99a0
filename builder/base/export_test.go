package base

import "context"

// For the tests in base_test.
var (
	HostMirror     = hostMirror
	HostAptOptions = hostAptOptions
)

// Ref is the name under which Bootstrap puts the base of o into a layout's index.
func Ref(o Options) string { return o.withDefaults().ref() }

// Args are the arguments of the run of mmdebstrap that makes the base of o.
func Args(ctx context.Context, o Options) ([]string, error) {
	b, err := o.withDefaults().bootstrap(ctx)
	return b.args(), err
}

// Tail returns what an error quotes of a log.
func Tail(log string) string {
	var t tail
	for _, b := range []byte(log) {
		t.Write([]byte{b})
	}
	return t.String()
}
