package spool_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"sandwich/proxy/spool"
)

func open(t testing.TB) (*spool.Dir, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spool")
	d, err := spool.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return d, path
}

func random(size int) []byte {
	p := make([]byte, size)
	r := rand.NewChaCha8([32]byte{byte(size)})
	r.Read(p)
	return p
}

func TestABodyComesBackAsOftenAsAsked(t *testing.T) {
	d, path := open(t)
	for _, size := range []int{0, 1, spool.MemorySize - 1, spool.MemorySize, spool.MemorySize + 1, 3*spool.MemorySize + 7} {
		want := random(size)
		b, err := d.ReadAll(iotest.HalfReader(bytes.NewReader(want)), 0)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got, err := io.ReadAll(b.Reader()); !bytes.Equal(got, want) || err != nil {
				t.Errorf("%d bytes came back as %d: %v", size, len(got), err)
			}
		}
		if _, inMemory := b.Bytes(); inMemory != (size < spool.MemorySize) || b.Size() != int64(size) {
			t.Errorf("%d bytes: in memory %v, size %d", size, inMemory, b.Size())
		}
		b.Close()
	}
	if left, _ := os.ReadDir(path); len(left) != 0 {
		t.Errorf("the directory has %v", left)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("mode is %v, %v", st.Mode(), err)
	}
}

func TestHowReadingABodyFails(t *testing.T) {
	d, path := open(t)
	for _, limit := range []int64{1, spool.MemorySize, 2 * spool.MemorySize} {
		if _, err := d.ReadAll(bytes.NewReader(random(int(limit))), limit); err != nil {
			t.Errorf("at the limit of %d: %v", limit, err)
		}
		if _, err := d.ReadAll(bytes.NewReader(random(int(limit)+1)), limit); !errors.Is(err, spool.ErrTooLarge) {
			t.Errorf("above the limit of %d: %v", limit, err)
		}
	}
	broken := errors.New("client is gone")
	if _, err := d.ReadAll(iotest.ErrReader(broken), 0); err != broken {
		t.Errorf("the client's error is %v", err)
	}
	os.Remove(path)
	var disk *spool.DiskError
	if _, err := d.ReadAll(bytes.NewReader(random(1<<20)), 0); !errors.As(err, &disk) {
		t.Errorf("the disk's error is %v", err)
	}
}

func TestThePipeNeverMakesTheWriterWait(t *testing.T) {
	d, _ := open(t)
	p := d.NewPipe()
	defer p.Close()
	want := random(5*spool.MemorySize + 3)
	if n, err := p.Write(want); n != len(want) || err != nil { // nobody reads
		t.Fatalf("Write: %d, %v", n, err)
	}
	p.CloseWrite(nil)
	if got, err := io.ReadAll(p); !bytes.Equal(got, want) || err != nil {
		t.Errorf("%d bytes came out: %v", len(got), err)
	}
}

func TestThePipeKeepsTheOrderWhateverTheSpeeds(t *testing.T) {
	d, _ := open(t)
	want := random(2 << 20)
	for _, sizes := range [][2]int{{100, 70000}, {70000, 100}, {4096, 4096}, {spool.MemorySize, spool.MemorySize}, {99991, 1009}} {
		p := d.NewPipe()
		go func() {
			for rest := want; len(rest) > 0; {
				n := min(sizes[0], len(rest))
				p.Write(rest[:n])
				rest = rest[n:]
			}
			p.CloseWrite(nil)
		}()
		var got bytes.Buffer
		if _, err := io.CopyBuffer(struct{ io.Writer }{&got}, p, make([]byte, sizes[1])); err != nil || !bytes.Equal(got.Bytes(), want) {
			t.Errorf("sizes %v: %d bytes, %v", sizes, got.Len(), err)
		}
		p.Close()
	}
}

func TestWithoutADiskThePipeMakesTheWriterWait(t *testing.T) {
	d, path := open(t)
	os.Remove(path)
	p := d.NewPipe()
	want := random(1 << 20)
	wrote := make(chan error, 1)
	go func() {
		_, err := p.Write(want)
		p.CloseWrite(nil)
		wrote <- err
	}()
	got, err := io.ReadAll(p)
	if !bytes.Equal(got, want) || err != nil || <-wrote != nil {
		t.Errorf("%d bytes came out: %v", len(got), err)
	}
	p.Close()
}

func TestThePipePassesErrorsOnBothWays(t *testing.T) {
	d, path := open(t)
	os.Remove(path)
	p := d.NewPipe()
	broken := errors.New("application is gone")
	p.Write([]byte("abc"))
	p.CloseWrite(broken)
	if got, err := io.ReadAll(p); string(got) != "abc" || err != broken {
		t.Errorf("read %q, %v", got, err)
	}
	p.Abandon()
	if _, err := p.Write(random(1 << 20)); err != spool.ErrReaderGone {
		t.Errorf("Write: %v", err)
	}
	p.Close()
}
