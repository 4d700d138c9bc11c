import Synchronization

/// A value that takes long to make and saves work from then on. It is made once the work without it has taken about as long as
/// making it does: a program that reads one short text starts at once, and never takes more than twice the time of the better choice.
///
/// Any number of threads may use it. One makes the value while the others go on without.
final class Deferred<Value: Sendable>: @unchecked Sendable {
    // Once it is there, nobody writes to what it points to.
    private let made = Atomic<UnsafeMutablePointer<Value>?>(nil)
    private let work = Atomic<Int>(0)
    private let isMaking = Atomic<Bool>(false)
    private let enough: Int
    private let make: @Sendable () -> Value

    /// - Parameters:
    ///   - enough: The work, in units of the caller, after which the value is made; 0 to make it for the first.
    ///   - make: Makes the value.
    init(after enough: Int, make: @escaping @Sendable () -> Value) {
        self.enough = enough
        self.make = make
    }

    deinit {
        guard let value = made.load(ordering: .acquiring) else { return }
        value.deinitialize(count: 1)
        value.deallocate()
    }

    /// The value, if it was made; valid as long as this object.
    @inline(__always)
    var value: UnsafePointer<Value>? { made.load(ordering: .acquiring).map { UnsafePointer($0) } }

    /// Counts work that was done, or is to be done, without the value, and makes it where that is enough.
    ///
    /// - Returns: The value where it is there now.
    func value(afterWork amount: Int) -> UnsafePointer<Value>? {
        let total = work.wrappingAdd(min(amount, enough), ordering: .relaxed).newValue
        if total >= enough, !isMaking.exchange(true, ordering: .acquiringAndReleasing) {
            let pointer = UnsafeMutablePointer<Value>.allocate(capacity: 1)
            pointer.initialize(to: make())
            made.store(pointer, ordering: .releasing)
        }
        return value
    }
}
