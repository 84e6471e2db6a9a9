package kpi

import "github.com/tidemark-io/tidemark/aggregator"

// Customers.
//
// Formula: customers = with customer_basis "subscription", customers whose
// recurring amount is over 0 at the end of day d; with "purchases", customers
// with a purchase in the active_purchase_days (90) ending on d. customers_ever =
// those that ever were. silent_customers = of the customers of d, those for whom
// the later of last active day and first paying day lies silent_days (14) or
// more before d.
//
// Unit: count. Source: Customers and Silent of row d; CustomersEver, which has
// no day, so that customers_ever is for now only.
//
// Edge cases: a trial (recurring amount 0) is no customer on the basis
// subscription; an order of amount 0 makes one on the basis purchases, until it
// is fully refunded. A customer with two subscriptions counts once. A customer
// who never logged in falls silent silent_days after it began to pay. Who
// stopped paying is not silent but gone.
//
// Worked example: acme pays since 1 March and was last active on 3 March, blue
// pays since 10 March and was never active, on 17 March: customers 2; acme is
// silent (14 days), blue is not (7 days): silent_customers 1, on 24 March 2.
var (
	customers = KPI{
		Name: "customers", Unit: Count, Windows: level, Formula: "customers/1",
		Description: "Paying customers at the end of the day",
		Definition:  "customers with a recurring amount over 0 (or, by configuration, with a recent purchase)",
		Example:     "three subscribe, one of them cancels: 2",
		parts:       levelOf(aggregator.Customers),
	}
	customersEver = KPI{
		Name: "customers_ever", Unit: Count, Windows: level, Formula: "customers_ever/1", NowOnly: true,
		Description: "Customers that ever paid",
		Definition:  "customers that counted under customers on any day",
		Example:     "three subscribe, one of them cancels: 3",
		parts:       func(p point) parts { return count(p.standing(aggregator.CustomersEver)) },
	}
	silentCustomers = KPI{
		Name: "silent_customers", Unit: Count, Windows: level, Formula: "silent_customers/1",
		Description: "Paying customers without activity for a configured number of days (14)",
		Definition:  "customers whose later of last active day and first paying day lies silent_days or more before the day",
		Example:     "last active on 3 March: silent from 17 March",
		parts:       levelOf(aggregator.Silent),
	}
)

func levelOf(c aggregator.Counter) func(point) parts {
	return func(p point) parts { return count(p.level(c)) }
}
