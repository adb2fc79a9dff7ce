package route

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxSize bounds a compiled route file and the settings file, in bytes. 3,000 domains of full
// length fit into it.
const MaxSize = 1 << 20

// Encode is the content of the route file of r: indented JSON with a trailing newline, the same
// bytes for the same value. It fails when r is not a route Decode would accept.
func Encode(r *Route) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("cannot encode the route of %q: %w", r.Name, err)
	}
	return marshal(r)
}

// Decode reads a route file. It refuses another version, an unknown field, more than MaxSize
// bytes and every value that the proxy could not serve safely: nobody checks it after that.
func Decode(data []byte) (*Route, error) {
	r := new(Route)
	if err := unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("cannot decode route: %w", err)
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("cannot use route of %q: %w", r.Name, err)
	}
	return r, nil
}

// Hash names the content of a route file: lower-case hex of SHA-256. Whoever wrote the file can
// compare it with what the proxy says it has loaded.
func Hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return out.Bytes(), err
}

func unmarshal(data []byte, v any) error {
	if len(data) > MaxSize {
		return fmt.Errorf("file has %d bytes, more than %d", len(data), MaxSize)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("text after the end of the value")
	}
	return nil
}
