#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The processors that this process may use.
public enum Processors {
    /// Their number when it was first asked for, at least 1.
    public static let activeCount = max(1, allowedCount ?? Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))

    /// The processors that Linux lets this process run on; `nil` where it does not say.
    private static var allowedCount: Int? {
        #if os(Linux)
            // A mask in hexadecimal digits: `Cpus_allowed:   ff,ffffffff`
            guard let status = try? FileSystem.bytes(of: "/proc/self/status") else { return nil }
            let key = Array("Cpus_allowed:".utf8)
            guard
                let line = status.split(separator: UInt8(ascii: "\n")).first(where: { $0.starts(with: key) })
            else { return nil }
            let mask = line.dropFirst(key.count).reduce(0) { count, digit in
                count + (Character(Unicode.Scalar(digit)).hexDigitValue?.nonzeroBitCount ?? 0)
            }
            return mask > 0 ? mask : nil
        #else
            return nil
        #endif
    }
}
