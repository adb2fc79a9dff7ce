package h2

import "time"

// What things cost that a client can have for next to nothing. A client that pays for them by
// reading answers and sending bodies is never short; one that does nothing else has budgetSize and
// budgetRate.
const (
	costFrame       = 1  // any frame without use of its own
	costEmpty       = 5  // a frame that carries nothing where something is due
	costPing        = 5  // has to be answered
	costSettings    = 20 // changes every stream, and has to be answered
	costReset       = 10 // CVE-2023-44487: work that was begun for nothing
	costStreamError = 20 // CVE-2025-8671: the same, but we are made to reset
	costRefused     = 20 // one stream more than there may be

	earnAnswer = 10      // a response that the client took
	earnBytes  = 1 << 10 // so many bytes of content, either way, are worth one
)

const (
	budgetSize = 4000
	budgetRate = 400 // a second
)

// budget is what a connection may still spend.
type budget struct {
	spent int
	bytes int       // of content that has not counted yet
	since time.Time // up to when budgetRate has counted
}

// spend says whether there was enough.
func (b *budget) spend(cost int) bool {
	b.spent += cost
	if b.spent <= budgetSize {
		return true
	}
	b.refill()
	return b.spent <= budgetSize
}

// refill looks at the clock, which most connections never need.
func (b *budget) refill() {
	n := int(time.Since(b.since) / (time.Second / budgetRate))
	b.since = b.since.Add(time.Duration(n) * time.Second / budgetRate)
	b.earn(n)
}

func (b *budget) earn(n int) { b.spent = max(0, b.spent-n) }

// carried counts content.
func (b *budget) carried(n int) {
	b.bytes += n
	b.earn(b.bytes / earnBytes)
	b.bytes %= earnBytes
}
