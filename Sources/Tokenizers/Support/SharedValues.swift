import Synchronization

/// Values that take long to make, made once for each key and kept. For few keys.
final class SharedValues<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let values = Mutex<[Key: Value]>([:])

    /// The value of a key; another thread that asks for one meanwhile waits.
    func value(of key: Key, make: () -> Value) -> Value {
        values.withLock { values in
            if let value = values[key] { return value }
            let value = make()
            values[key] = value
            return value
        }
    }
}
