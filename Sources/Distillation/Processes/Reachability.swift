import Foundation

/// Whether something listens at an address.
enum Reachability {
    /// Waits until a connection can be made.
    ///
    /// - Parameter onWait: Called once with a line, where it takes long.
    /// - Throws: ``ProcessLossError`` for a name that is of no machine, and where nothing listens in time.
    static func wait(
        for host: String, port: Int, until end: Date, onWait: (String) -> Void
    ) throws {
        var addresses: UnsafeMutablePointer<addrinfo>?
        var hints = addrinfo()
        #if canImport(Glibc)
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        let code = getaddrinfo(host, String(port), &hints, &addresses)
        guard code == 0 else {
            throw ProcessLossError("there is no machine of this name: \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(addresses) }
        let saysAt = Date(timeIntervalSinceNow: 5)
        var isSaid = false
        while true {
            var next = addresses
            while let address = next {
                if connects(address.pointee) { return }
                next = address.pointee.ai_next
            }
            guard Date() < end else { break }
            if !isSaid, Date() > saysAt {
                isSaid = true
                onWait("Waiting for process 0 at \(host):\(port).")
            }
            Thread.sleep(forTimeInterval: 0.2)
        }
        throw ProcessLossError("nothing listens there; start process 0 first, or name its machine")
    }

    private static func connects(_ address: addrinfo) -> Bool {
        let descriptor = socket(address.ai_family, address.ai_socktype, address.ai_protocol)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // A machine that drops what it is sent would hold a connection for minutes.
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        if connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 { return true }
        guard errno == EINPROGRESS else { return false }
        var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&poller, 1, 2000) == 1 else { return false }
        var (error, size) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
        return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0
    }
}
