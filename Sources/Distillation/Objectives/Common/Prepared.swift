/// Returns the value that `prepare(_:)` made.
///
/// - Throws: ``DistillationError`` where it was never called.
func prepared<Value>(_ value: Value?, _ objective: String) throws -> Value {
    guard let value else { throw DistillationError("\(objective): call prepare(_:) before loss(_:)") }
    return value
}
