package boot

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// pingNFS says whether an NFS server answers in time.
func pingNFS(ctx context.Context, address string, within time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("no answer within %s", within))
	defer cancel()
	err := callNull(ctx, address)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("asking the NFS server: %w", err)
	}
	return nil
}

// callNull calls the procedure NULL of NFS version 4 (RFC 7530, RFC 5531): the
// cheapest question that shows that the server answers, and not the kernel for it.
func callNull(ctx context.Context, address string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer conn.Close()
	const xid, call, reply = 0x726f6f74, 0, 1
	const lastFragment, rpcVersion, nfsProgram, nfsVersion, null = 1 << 31, 2, 100003, 4, 0
	// Credential and verifier are AUTH_NONE, of no bytes.
	words := []uint32{xid, call, rpcVersion, nfsProgram, nfsVersion, null, 0, 0, 0, 0}
	message := binary.BigEndian.AppendUint32(nil, lastFragment|uint32(4*len(words)))
	for _, w := range words {
		message = binary.BigEndian.AppendUint32(message, w)
	}
	if _, err := conn.Write(message); err != nil {
		return err
	}
	var answer [12]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return err
	}
	if binary.BigEndian.Uint32(answer[4:]) != xid || binary.BigEndian.Uint32(answer[8:]) != reply {
		return errors.New("its answer is none of RPC")
	}
	return nil
}
