package tls

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"sandwich/proxy/tls/limit"
)

// book is what was ordered and what came of it. It outlives the process, so that one that crashes
// in a loop orders no more than one that does not.
type book struct {
	Orders []ordered          `json:"orders"`
	Tries  map[string]attempt `json:"tries"` // by host
}

// ordered is one order that a CA has taken.
type ordered struct {
	At      time.Time `json:"at"`
	Host    string    `json:"host"`
	CA      string    `json:"ca"`
	Renewal bool      `json:"renewal,omitempty"`
}

// attempt is the last try to get a certificate, when it failed.
type attempt struct {
	Failures int       `json:"failures"`
	Next     time.Time `json:"next"` // nothing is ordered before
	Error    string    `json:"error"`
	Method   int       `json:"method"` // which challenge is to be tried
}

const (
	bookName = "orders.json"
	bookLock = "orders.lock"
	bookLife = limit.Week // the longest time that a CA counts
)

func decodeBook(data []byte) (*book, error) {
	b := &book{}
	err := json.Unmarshal(data, b)
	if b.Tries == nil {
		b.Tries = map[string]attempt{}
	}
	return b, err
}

// readBook is the book as it is on the disk. One that cannot be read is begun anew: what it holds
// only keeps us from asking too often.
func (k *Keeper) readBook() *book {
	data, err := k.store.read(bookName)
	if errors.Is(err, fs.ErrNotExist) {
		return &book{Tries: map[string]attempt{}}
	}
	if err == nil {
		b, derr := decodeBook(data)
		if err = derr; err == nil {
			return b
		}
	}
	k.log.Error(fmt.Sprintf("cannot use %s, beginning it anew: %v", k.store.path(bookName), err))
	return &book{Tries: map[string]attempt{}}
}

// write changes the book on the disk; nobody else does meanwhile.
func (k *Keeper) write(change func(*book) error) error {
	unlock, err := k.store.lock(bookLock)
	if err != nil {
		return fmt.Errorf("cannot lock %s: %w", k.store.path(bookName), err)
	}
	defer unlock()
	b := k.readBook()
	if err := change(b); err != nil {
		return err
	}
	b.prune(time.Now())
	data, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return k.store.write(bookName, data)
}

func (b *book) prune(now time.Time) {
	kept := b.Orders[:0]
	for _, o := range b.Orders {
		if age := now.Sub(o.At); age < bookLife && age > -bookLife {
			kept = append(kept, o)
		}
	}
	b.Orders = kept
	for host, a := range b.Tries {
		if now.Sub(a.Next) > bookLife {
			delete(b.Tries, host)
		}
	}
}

// allows says when an order for a host fits into what the CA takes: now, or not before a time and
// why.
func (b *book) allows(ca, host string, renewal bool, now time.Time) (time.Time, error) {
	var recent, weekly []time.Time
	domain := limit.RegisteredDomain(host)
	for _, o := range b.Orders {
		if o.CA != ca {
			continue
		}
		if now.Sub(o.At) < limit.Window {
			recent = append(recent, o.At)
		}
		if !o.Renewal && limit.RegisteredDomain(o.Host) == domain {
			weekly = append(weekly, o.At)
		}
	}
	if len(recent) >= limit.Orders {
		return recent[len(recent)-limit.Orders].Add(limit.Window), fmt.Errorf("%d certificates were ordered in %d hours, as many as the CA takes", len(recent), limit.Window/time.Hour)
	}
	if isLetsEncrypt(ca) && !renewal && len(weekly) >= limit.PerDomain {
		return weekly[len(weekly)-limit.PerDomain].Add(bookLife), fmt.Errorf("%d certificates for %s were ordered in 7 days, as many as the CA gives", len(weekly), domain)
	}
	return now, nil
}
