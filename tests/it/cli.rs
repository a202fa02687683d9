//! The built program from outside: exit codes, what it prints, what it leaves behind.

mod backup;
mod batch;
mod demo;
mod finding;
mod issuing;
mod life;
mod markers;
mod offline;
mod serving;
mod setup;
mod upkeep;
mod usage;
mod verifying;
