package sqloracle

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/duckdb/duckdb-go/v2"
)

//go:embed sql/*.sql
var statements embed.FS

// The files of sql/ in the order in which they run.
var files = []string{
	"00_facts", "01_calendar", "02_subscriptions", "03_orders", "04_paying",
	"active", "histogram", "lifecycle", "cohorts", "time_to_value",
	"customers", "cancellations", "repeat_purchase", "mrr", "mrr_rates", "revenue", "clv", "surveys", "health",
}

// Facts are events as CloudEvents in JSON, one a line, in any order and with
// duplicates or without.
type Facts struct {
	Lines []byte   // events themselves
	Files []string // paths of files of them, gzip (.gz) or not
}

// Compute gives every figure of the days From to To, and of the weeks, months
// and quarters that those days lie in, in the order of their keys. Figures that
// have no day (users_ever) are as of the watermark's. Segments are those that
// any customer is in. Figures with buckets are there for the buckets in which
// somebody is.
func Compute(ctx context.Context, facts Facts, o Options) (figures []Figure, err error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, fmt.Errorf("open DuckDB: %w", err)
	}
	db := sql.OpenDB(connector)
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx) // variables belong to a connection
	if err != nil {
		return nil, fmt.Errorf("open DuckDB: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	s := session{ctx, conn}
	if err := s.prepare(facts, o); err != nil {
		return nil, err
	}
	for _, name := range files {
		text, err := statements.ReadFile("sql/" + name + ".sql")
		if err != nil {
			return nil, fmt.Errorf("read the statements of %s: %w", name, err)
		}
		if err := s.run(string(text)); err != nil {
			return nil, fmt.Errorf("compute %s: %w", name, err)
		}
	}
	return s.figures(o)
}

type session struct {
	ctx  context.Context
	conn *sql.Conn
}

func (s session) run(text string, args ...any) error {
	_, err := s.conn.ExecContext(s.ctx, text, args...)
	return err
}

// prepare hands over the facts and the options.
func (s session) prepare(facts Facts, o Options) error {
	if err := s.run(fmt.Sprintf(`SET threads = %d; SET TimeZone = 'UTC'; CREATE TABLE lines (line JSON)`, max(1, o.Threads))); err != nil {
		return fmt.Errorf("set DuckDB up: %w", err)
	}
	if err := s.run(`INSERT INTO lines SELECT line FROM (SELECT unnest(string_split(?, chr(10))) AS line) WHERE trim(line) <> ''`, string(facts.Lines)); err != nil {
		return fmt.Errorf("read the facts: %w", err)
	}
	for _, path := range facts.Files {
		if err := s.run(`INSERT INTO lines SELECT json FROM read_ndjson_objects(?)`, path); err != nil {
			return fmt.Errorf("read the facts of %s: %w", path, err)
		}
	}
	if err := s.setVariables(o); err != nil {
		return fmt.Errorf("hand over the options: %w", err)
	}
	for _, list := range []struct {
		table  string
		values []string
	}{{"activity_names", o.Activity}, {"value_names", o.Value}, {"dimensions", o.Dimensions}} {
		if err := s.run(fmt.Sprintf(`CREATE TABLE %s (name VARCHAR)`, list.table)); err != nil {
			return fmt.Errorf("hand over %s: %w", list.table, err)
		}
		for _, v := range list.values {
			if err := s.run(fmt.Sprintf(`INSERT INTO %s VALUES (?)`, list.table), v); err != nil {
				return fmt.Errorf("hand over %s: %w", list.table, err)
			}
		}
	}
	if err := s.run(`CREATE TABLE rates (currency VARCHAR, since DATE, rate VARCHAR)`); err != nil {
		return fmt.Errorf("hand over the rates: %w", err)
	}
	for _, r := range o.Rates {
		if err := s.run(`INSERT INTO rates VALUES (?, ?::DATE, ?)`, r.Currency, r.Day, r.Rate); err != nil {
			return fmt.Errorf("hand over the rate of %s on %s: %w", r.Currency, r.Day, err)
		}
	}
	return nil
}

func (s session) setVariables(o Options) error {
	grace := int64(-1)
	if o.LapseGrace >= 0 {
		grace = o.LapseGrace.Milliseconds()
	}
	text := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	variables := []struct{ name, value string }{
		{"from", "DATE " + text(o.From)}, {"to", "DATE " + text(o.To)}, {"watermark", fmt.Sprint(o.Watermark)},
		{"zone", text(o.Zone)}, {"week_start", text(o.WeekStart)}, {"currency", text(o.Currency)},
		{"basis", text(o.Basis)}, {"active_purchase_days", fmt.Sprint(o.ActivePurchaseDays)},
		{"silent_days", fmt.Sprint(o.SilentDays)}, {"lapse_grace", fmt.Sprint(grace)},
		{"cancel_at_once", fmt.Sprint(o.CancelAtOnce)}, {"uncancel", fmt.Sprint(o.UncancelByPurchase)},
		{"orders_include_subscriptions", fmt.Sprint(o.OrdersIncludeSubscription)},
		{"min_sample", fmt.Sprint(o.MinSample)}, {"acquisition_cost", fmt.Sprint(o.AcquisitionCost)},
		{"margin_ppm", fmt.Sprint(int64(math.Round(1e6 * o.Margin)))},
		{"lifetime_years_ppm", fmt.Sprint(int64(math.Round(1e6 * o.LifetimeYears)))},
	}
	for _, v := range variables {
		if err := s.run("SET VARIABLE \"" + v.name + "\" = " + v.value); err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
	}
	return nil
}

// figures reads what was computed, and adds up the rows of one key.
func (s session) figures(o Options) (list []Figure, err error) {
	rows, err := s.conn.QueryContext(s.ctx, `SELECT kpi, unit, win, segment, strftime(day, '%Y-%m-%d'), bucket,
		num::VARCHAR, num_unit::VARCHAR, den::VARCHAR, den_unit::VARCHAR, day < getvariable('today') FROM figures`)
	if err != nil {
		return nil, fmt.Errorf("read the figures: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	at := map[Key]int{}
	for rows.Next() {
		var f Figure
		var num, numUnit, den, denUnit sql.NullString
		if err := rows.Scan(&f.KPI, &f.Unit, &f.Window, &f.Segment, &f.Day, &f.Bucket, &num, &numUnit, &den, &denUnit, &f.Complete); err != nil {
			return nil, fmt.Errorf("read a figure: %w", err)
		}
		if f.Unit == "money" {
			f.Currency = o.Currency
		}
		if f.Numerator, err = quotient(num, numUnit); err == nil {
			f.Denominator, err = quotient(den, denUnit)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", f.Key, err)
		}
		i, again := at[f.Key]
		if !again {
			at[f.Key] = len(list)
			list = append(list, f)
		} else if err := list[i].add(f); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(list, func(a, b Figure) int { return compareKeys(a.Key, b.Key) })
	return list, rows.Err()
}

// add adds another row of the figure's key to it.
func (f *Figure) add(other Figure) error {
	if f.Numerator == nil || other.Numerator == nil || f.Denominator == nil || other.Denominator == nil ||
		f.Denominator.Cmp(other.Denominator) != 0 {
		return fmt.Errorf("BUG: the rows of %s don't add up", f.Key)
	}
	f.Numerator = new(big.Rat).Add(f.Numerator, other.Numerator)
	return nil
}

// quotient is num / unit; nil where num is NULL.
func quotient(num, unit sql.NullString) (*big.Rat, error) {
	if !num.Valid {
		return nil, nil
	}
	r, ok := new(big.Rat).SetString(num.String + "/" + unit.String)
	if !ok {
		return nil, fmt.Errorf("%s/%s is no quotient", num.String, unit.String)
	}
	return r, nil
}
