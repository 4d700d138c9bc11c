import CKernels
import CTorch

/// The state of libtorch as a whole.
public enum Runtime {
    /// libtorch's version, for example `2.13.0`.
    public static var version: String { String(cString: ct_version()) }

    /// The instruction set that libtorch's kernels use here, for example `AVX512`.
    public static var cpuCapability: String { String(cString: ct_cpu_capability()) }

    /// The number of tensor handles that Swift currently holds, in all threads. For leak tests.
    public static var liveTensorCount: Int { Int(ct_live_tensors()) }

    /// The number of threads a kernel may use: in ``withThreadCount(_:_:)`` that of this scope, whatever other threads' scopes have.
    public static var threadCount: Int { Int(ct_num_threads()) }

    /// The largest number of threads that can be asked for: more than machines have processors, fewer than systems have threads.
    public static let mostThreads = Int(CK_MOST_THREADS)

    /// Sets the number of threads a kernel may use, once no other thread is in ``withThreadCount(_:_:)``.
    ///
    /// - Throws: ``TorchError`` unless `count` is from 1 to ``mostThreads``.
    public static func setThreadCount(_ count: Int) throws {
        try check(ct_set_num_threads(try checked(count)))
    }

    /// Runs `body` with a number of threads, and restores the number that was before.
    ///
    /// The number is the whole process's, so that calls from several threads take turns; a call within `body` is another
    /// scope of the same turn.
    ///
    /// - Throws: ``TorchError`` unless `count` is from 1 to ``mostThreads``; what `body` throws.
    public static func withThreadCount<Result>(_ count: Int, _ body: () throws -> Result) throws -> Result {
        var before: Int32 = 0
        try check(ct_begin_threads(try checked(count), &before))
        defer { ct_end_threads(before) }
        return try body()
    }

    private static func checked(_ count: Int) throws -> Int32 {
        guard (1...mostThreads).contains(count) else {
            throw TorchError("the number of threads must be from 1 to \(mostThreads), got \(count)")
        }
        return Int32(count)
    }

    /// Waits until a device has done all its work.
    ///
    /// - Throws: ``TorchError`` where the device has failed.
    public static func synchronize(_ device: Device) throws { try check(ct_synchronize(device.code)) }

    /// Bytes of a device's memory that tensors hold, and the most that was taken from the device since
    /// ``resetPeakMemory(of:)``, cached memory included; 0 for the CPU.
    ///
    /// - Throws: ``TorchError`` where there is no such device.
    public static func memory(of device: Device) throws -> (now: Int, peak: Int) {
        var (now, peak): (Int64, Int64) = (0, 0)
        try check(ct_device_memory(device.code, &now, &peak))
        return (Int(now), Int(peak))
    }

    /// Gives back the memory of a device that is only kept for later.
    ///
    /// - Throws: ``TorchError`` where there is no such device.
    public static func emptyCache(of device: Device) throws { try check(ct_empty_cache(device.code)) }

    /// Resets the peak of a device's memory.
    ///
    /// - Throws: ``TorchError`` where there is no such device.
    public static func resetPeakMemory(of device: Device) throws {
        try check(ct_reset_peak_memory(device.code))
    }
}
