/// What counts as JSON.
public enum JSONDialect: Sendable {
    /// RFC 8259; a key may occur once in an object.
    case standard
    /// What Python's `json` reads: also `NaN`, `Infinity` and `-Infinity`, and of a key that occurs twice the last value.
    case python
}
