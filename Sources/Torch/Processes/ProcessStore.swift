import CTorch

/// Keys and values that all processes of a group reach over TCP, as PyTorch's `TCPStore`.
///
/// Any thread may use it: c10d lets them wait for one another.
public final class ProcessStore: @unchecked Sendable {
    let handle: ct_store

    /// - Parameters:
    ///   - host: The name or address of the machine whose process serves the store.
    ///   - port: Its port; 0 takes a free one where this process serves it.
    ///   - isServer: True in the process that holds the keys.
    ///   - prefix: Stands before every key, so that a restarted group does not find the keys of the one before.
    ///   - timeout: In seconds, for the connection and for every request.
    /// - Throws: ``TorchError`` where the server is not reached in this time, or the port is taken.
    public init(host: String, port: Int, isServer: Bool, prefix: String = "distill", timeout: Double) throws {
        var made: ct_store?
        try check(
            ct_store_open(host, UInt16(clamping: port), isServer, prefix, timeout, &made))
        guard let made else { throw TorchError(kind: .internal, "an operation returned no store") }
        handle = made
    }

    deinit { ct_store_free(handle) }

    /// The port of the store's server.
    public var port: Int { Int(ct_store_port(handle)) }

    /// Sets the value of a key.
    ///
    /// - Throws: ``TorchError`` where the server is gone.
    public func set(_ key: String, _ value: String) throws {
        let bytes = Array(value.utf8)
        try check(ct_store_set(handle, key, bytes, bytes.count))
    }

    /// Adds 1 to a counter, which is 0 at first.
    ///
    /// - Throws: ``TorchError`` where the server is gone.
    /// - Returns: What it was before; no two calls in any process are given the same.
    public func next(_ counter: String) throws -> Int {
        var sum: Int64 = 0
        try check(ct_store_add(handle, counter, 1, &sum))
        return Int(sum) - 1
    }

    /// The value of a key; `nil` where it is not set.
    ///
    /// - Throws: ``TorchError`` where the server is gone.
    public func value(_ key: String) throws -> String? {
        var found: ct_tensor?
        try check(ct_store_get(handle, key, &found))
        guard let found else { return nil }
        let bytes: [UInt8] = try Tensor(owning: found).array()
        return String(decoding: bytes, as: UTF8.self)
    }
}
