import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The room on disks.
public enum FreeSpace {
    /// The bytes that can still be written where a file or directory is to be, by this user.
    ///
    /// - Parameter url: It need not be there: the nearest existing directory above it counts.
    /// - Returns: `nil` where the system does not say.
    public static func bytes(at url: URL) -> Int? {
        var place = url.standardizedFileURL.resolvingSymlinksInPath()
        while FileKind(place.plainPath) == .missing, place.plainPath != "/" { place = place.parent }
        var status = statvfs()
        guard statvfs(place.plainPath, &status) == 0, status.f_blocks > 0 else { return nil }
        let (bytes, overflow) = Int(clamping: status.f_bavail)
            .multipliedReportingOverflow(by: Int(clamping: status.f_frsize))
        return overflow ? .max : bytes
    }
}
