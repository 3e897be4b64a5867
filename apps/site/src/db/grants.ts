/**
 * What the role that serves may do to each table: all there is, because it owns nothing. A table without a row here
 * can be neither read nor written by site. Sequences follow their table's insert.
 */
export const grants: Readonly<Record<string, string>> = {
  customer: 'select, insert, update',
  session: 'select, insert, update, delete',
  lease: 'select, insert, update',
  audit_event: 'select, insert',
};
