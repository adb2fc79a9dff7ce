package tls

import (
	"context"
	"errors"
)

// maxOrders is how many orders are under way at a time.
const maxOrders = 4

var errToken = errors.New("the CA's token is none")

func (h *host) manage(ctx context.Context) { <-ctx.Done() }
