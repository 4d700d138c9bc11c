import Foundation

/// The resources that this process has used so far.
enum ProcessUsage {
    /// The largest resident size, in bytes.
    ///
    /// On Linux `VmHWM`: `getrusage` there begins with the size of the parent process.
    static var peakMemory: Int {
        #if os(Linux)
            let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
            for line in status.split(separator: "\n") where line.hasPrefix("VmHWM:") {
                let number = line.split(separator: " ", omittingEmptySubsequences: true).dropLast().last
                if let kilobytes = number.flatMap({ Int($0.split(separator: "\t").last ?? $0) }) {
                    return kilobytes * 1024
                }
            }
        #endif
        #if canImport(Darwin)
            return usage.ru_maxrss
        #else
            return usage.ru_maxrss * 1024
        #endif
    }

    /// The processor time of all threads, in seconds.
    static var processorSeconds: Double {
        let usage = usage
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    private static var usage: rusage {
        var usage = rusage()
        #if canImport(Darwin)
            getrusage(RUSAGE_SELF, &usage)
        #else
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        #endif
        return usage
    }
}
