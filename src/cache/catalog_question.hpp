#pragma once

#include <string_view>

namespace forebay::cache {

/// The SQL texts behind Catalog. Safe under any search_path, and every role may run them.
///
/// Rows of catalog_question() begin with their kind; the other columns are, by kind:
///   relation    oid, name, name as the change stream prints it, marks, key's column, key's type (an oid),
///               the definition of a view. Marks: relkind, relpersistence, then letters: s of the system,
///               r row security, a not stored as a heap, w code runs on writes, m a write of one row may tell
///               of others, z columns of timetz, t columns of time, o changes of it are written to the
///               outbox, l a subscription writes to it past statement triggers.
///   child       oid of the parent, oid of the child (partitions and inheritance)
///   cascade     oid of a relation, oid of another that a foreign key changes with it, marks: u when a row
///               gets another key, d when one is removed
///   function    name, marks: i all of that name depend on nothing but arguments and settings; u not so; r
///   not
///               so, and it takes a row; t it makes a time of day
///   operator    name of one of which that cannot be said
///   type        name, marks: a casts to it from anything read nothing but their argument; c casts of
///   constants
///               do; n none do
///   moment      name of columns, and of functions, that always are points in time
///   equality    (nothing) users have made an operator = that may compare keys
///   everything  why nothing at all may be kept
std::string_view catalog_question();
/// SQL for the triggers that write to the outbox, as they should be: relid, trigger.
std::string_view outbox_triggers();
std::string_view catalog_fingerprint_question();

}  // namespace forebay::cache
