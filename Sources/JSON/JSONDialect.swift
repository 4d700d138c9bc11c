/// A dialect of JSON.
public enum JSONDialect: Sendable {
    /// RFC 8259; a key may occur once in an object.
    case standard
    /// The dialect of Python's `json`: also accepts `NaN`, `Infinity` and `-Infinity`, and takes the last value of a
    /// key that occurs twice.
    case python
}
