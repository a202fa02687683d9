//! The built program from outside: exit codes, what it prints, what it leaves behind.

mod backup;
mod batch;
mod demo;
mod issuing;
mod offline;
mod setup;
mod usage;
mod verifying;
