package h2

import "golang.org/x/net/http2/hpack"

// tableSize is SETTINGS_HEADER_TABLE_SIZE as it begins, which we leave.
const tableSize = 4096

// decoder turns header blocks into fields: RFC 7541. The blocks must come in order.
type decoder struct {
	maxList int // bytes of fields in a block, counted as tables do

	table []field // the dynamic one from first on; the newest is last
	first int
	size  int
	limit int // what the peer has set, at most tableSize

	fields  []field // of the block, as far as maxList goes
	list    int     // bytes of them
	scratch scratch
}

// scratch is where Huffman codes are decoded to.
type scratch []byte

// Write appends.
func (s *scratch) Write(p []byte) (int, error) {
	*s = append(*s, p...)
	return len(p), nil
}

var errBlock = &connError{CompressionError, "broken header block"}

// decode reads a whole block. The fields are valid until the next one; tooLarge says that some were
// left out.
func (d *decoder) decode(block []byte) (fields []field, tooLarge bool, err error) {
	clear(d.fields)
	d.fields, d.list = d.fields[:0], 0
	fresh := true // size updates may stand at the beginning only: RFC 7541 4.2
	for len(block) > 0 {
		if isUpdate := block[0]&0xe0 == 0x20; isUpdate && fresh {
			block, err = d.update(block)
		} else if isUpdate {
			err = errBlock
		} else {
			fresh = false
			block, err = d.field(block)
		}
		if err != nil {
			return nil, false, err
		}
	}
	return d.fields, d.list > d.maxList, nil
}

// field reads one field in any of its representations, RFC 7541 6.
func (d *decoder) field(b []byte) ([]byte, error) {
	switch {
	case b[0]&0x80 != 0:
		index, b, err := integer(b, 7)
		f := d.at(index)
		if err != nil || f == nil {
			return nil, errBlock
		}
		d.emit(*f)
		return b, nil
	case b[0]&0x40 != 0:
		f, b, err := d.literal(b, 6)
		if err != nil {
			return nil, err
		}
		d.insert(f)
		d.emit(f)
		return b, nil
	}
	f, b, err := d.literal(b, 4)
	if err != nil {
		return nil, err
	}
	d.emit(f)
	return b, nil
}

func (d *decoder) emit(f field) {
	if d.list += f.size(); d.list <= d.maxList {
		d.fields = append(d.fields, f)
	}
}

func (d *decoder) literal(b []byte, prefix uint) (f field, _ []byte, err error) {
	index, b, err := integer(b, prefix)
	if err != nil {
		return f, nil, err
	}
	var name string
	if index == 0 {
		if name, b, err = d.text(b); err != nil {
			return f, nil, err
		}
	} else if known := d.at(index); known != nil {
		name = known.name
	} else {
		return f, nil, errBlock
	}
	value, b, err := d.text(b)
	if err != nil {
		return f, nil, err
	}
	return newField(name, value), b, nil
}

// text reads a string literal, RFC 7541 5.2.
func (d *decoder) text(b []byte) (string, []byte, error) {
	if len(b) == 0 {
		return "", nil, errBlock
	}
	isHuffman := b[0]&0x80 != 0
	n, b, err := integer(b, 7)
	if err != nil || n > len(b) {
		return "", nil, errBlock
	}
	if !isHuffman {
		return string(b[:n]), b[n:], nil
	}
	d.scratch = d.scratch[:0]
	if _, err := hpack.HuffmanDecode(&d.scratch, b[:n]); err != nil {
		return "", nil, errBlock
	}
	return string(d.scratch), b[n:], nil
}

// integer reads a number whose first byte has room for prefix bits of it, RFC 7541 5.1.
func integer(b []byte, prefix uint) (int, []byte, error) {
	if len(b) == 0 {
		return 0, nil, errBlock
	}
	most := 1<<prefix - 1
	n := int(b[0]) & most
	b = b[1:]
	if n < most {
		return n, b, nil
	}
	for shift := uint(0); len(b) > 0 && shift <= 21; shift += 7 { // nothing above 2^28 is of use
		c := b[0]
		b = b[1:]
		n += int(c&0x7f) << shift
		if c&0x80 == 0 {
			return n, b, nil
		}
	}
	return 0, nil, errBlock
}

// at is the field with an index of RFC 7541 2.3.3, or nil.
func (d *decoder) at(index int) *field {
	if index <= len(staticFields) {
		if index == 0 {
			return nil
		}
		return &staticFields[index-1]
	}
	if i := len(d.table) - (index - len(staticFields)); i >= d.first {
		return &d.table[i]
	}
	return nil
}

func (d *decoder) insert(f field) {
	d.evict(d.limit - f.size())
	if f.size() > d.limit {
		return // RFC 7541 4.4: it only empties the table
	}
	d.size += f.size()
	d.table = append(d.table, f)
}

// evict removes the oldest until no more than limit bytes are left.
func (d *decoder) evict(limit int) {
	for d.size > limit && d.first < len(d.table) {
		d.size -= d.table[d.first].size()
		d.table[d.first] = field{}
		d.first++
	}
	if d.first > 0 && d.first >= len(d.table)/2 {
		n := copy(d.table, d.table[d.first:])
		clear(d.table[n:])
		d.table, d.first = d.table[:n], 0
	}
}

// update changes the size of the table, RFC 7541 6.3.
func (d *decoder) update(b []byte) ([]byte, error) {
	n, b, err := integer(b, 5)
	if err != nil || n > tableSize {
		return nil, errBlock
	}
	d.limit = n
	d.evict(n)
	return b, nil
}
