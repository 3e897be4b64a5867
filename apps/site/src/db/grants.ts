/**
 * What the role that serves may do to each table: all there is, because it owns nothing. A table without a row here
 * can be neither read nor written by site. Sequences follow their table's insert.
 */
export const grants: Readonly<Record<string, string>> = {
  customer: 'select, insert, update',
  session: 'select, insert, update, delete',
  lease: 'select, insert, update',
  audit_event: 'select, insert',
  audit_seal: 'select, insert (number, entries, root)',
  audit_sealed: 'select, insert',
  // By column where the database itself says the value: when, and in which transaction, a thing was recorded.
  ledger_book: 'select, insert (currency)',
  ledger_entry: 'select, insert (id, effective_at, posted_by, why, currency, reverses, body)',
  ledger_transfer: 'select, insert',
  ledger_seal: 'select, insert (number, entries, root)',
  ledger_sealed: 'select, insert',
  tariff: 'select, insert (id, body)',
  usage_cursor: 'select, insert, update',
  usage_sample: 'select, insert',
  usage_set_aside: 'select, insert (host, instance, seq, lease_id, reason, body)',
  usage_sum: 'select, insert, update',
  usage_entry:
    'select, insert (id, lease_id, hour, revision, customer_id, from_at, to_at, nanos), update (invoice_number)',
  usage_line: 'select, insert',
  invoice_counter: 'select, insert, update (last)',
  invoice:
    'select, insert (number, customer_id, issued_at, period_from, period_to, month, currency, net_nanos, rounding_nanos, ' +
    'vat_nanos, gross_nanos, document, pdf, sha256, request_key)',
};
