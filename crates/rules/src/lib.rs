//! Rule groups and the alert state machine; must not know notify.
