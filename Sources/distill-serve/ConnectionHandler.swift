import NIOCore
import NIOHTTP1

/// How long a connection may take.
struct ConnectionLimits: Sendable {
    /// For the whole head of a request, from the end of the last answer.
    var idle: TimeAmount = .seconds(60)
    /// For the whole body.
    var body: TimeAmount = .seconds(30)
    /// For the reader of an answer to take it.
    var write: TimeAmount = .seconds(30)
    /// For a request that is on its way when the server shuts down.
    var drain: TimeAmount = .seconds(1)
    /// For the end of a connection that is closed with bytes still coming, so that the answer reaches its reader.
    var linger: TimeAmount = .seconds(2)
    /// Bodies are at most as large.
    var maxBodyBytes: Int
}

/// A body that did not come in time.
struct SlowBodyError: Error {}

/// Keeps a connection's time limits and ends it when it is due: slow clients are dropped, and a server that shuts down answers what
/// it has read, and what was on its way, before it closes.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let limits: ConnectionLimits
    /// Requests whose heads were read and whose answers are not written.
    private var openRequests = 0
    /// True from a request's head to its end.
    private var isReading = false
    private var isQuiescing = false
    /// True if the connection ends with the answer that is being written.
    private var closesAfterAnswer = false
    /// True if the last request that was read asks for the connection's end.
    private var lastRequestClosing = false
    /// True once the last answer is written: nothing more is read or written.
    private var isClosing = false
    private var readDeadline: NIODeadline?
    private var writeDeadline: NIODeadline?
    /// Answers that were begun and are not taken by the client yet.
    private var unwritten = 0
    /// True once the client was told that its body came too slowly.
    private var wasSlow = false
    private var timer: Scheduled<Void>?
    private var timerDeadline = NIODeadline.distantFuture

    private let admission: Admission
    /// The answer to the request that is being read, where it is refused.
    private var refusal: Admission.Refusal?

    init(_ limits: ConnectionLimits, _ admission: Admission) {
        (self.limits, self.admission) = (limits, admission)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        readDeadline = .now() + limits.idle
        schedule(context)
    }

    func channelActive(context: ChannelHandlerContext) {
        schedule(context)
        context.fireChannelActive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    // MARK: - Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isClosing || lastRequestClosing && !isReading { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            openRequests += 1
            isReading = true
            lastRequestClosing = !head.isKeepAlive
            readDeadline = .now() + limits.body
            schedule(context)
            // Answers keep the requests' order: one that comes behind another is the responder's.
            if openRequests == 1 { refusal = admission.refusal(of: head) }
            if refusal != nil { return }
            if mustContinue(head) {
                let answer = HTTPResponseHead(version: .http1_1, status: .continue)
                context.writeAndFlush(wrapOutboundOut(.head(answer)), promise: nil)
            }
        case .body: break
        case .end:
            isReading = false
            readDeadline = openRequests == 0 ? .now() + limits.idle : nil
            if let refusal { return refuse(refusal, context) }
        }
        if refusal == nil { context.fireChannelRead(data) }
    }

    /// Answers the request that was read to its end.
    private func refuse(_ refusal: Admission.Refusal, _ context: ChannelHandlerContext) {
        self.refusal = nil
        write(context: context, data: wrapOutboundOut(.head(refusal.head)), promise: nil)
        write(context: context, data: wrapOutboundOut(.body(.byteBuffer(refusal.body))), promise: nil)
        write(context: context, data: wrapOutboundOut(.end(nil)), promise: nil)
        context.flush()
    }

    /// True if a client waits to be told to send the body.
    private func mustContinue(_ head: HTTPRequestHead) -> Bool {
        guard openRequests == 1, head.version == .http1_1,
            head.headers[canonicalForm: "expect"].contains(where: { $0.lowercased() == "100-continue" })
        else { return false }
        let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        return length <= limits.maxBodyBytes
    }

    // MARK: - Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if isClosing {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.status.code >= 200:
            let isLast = openRequests <= 1 && (isQuiescing || lastRequestClosing)
            if isLast { head.headers.replaceOrAdd(name: "connection", value: "close") }
            closesAfterAnswer =
                isLast
                || head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "close" }
            unwritten += 1
            writeDeadline = .now() + limits.write
            schedule(context)
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            openRequests = max(0, openRequests - 1)
            if openRequests == 0, !isReading {
                readDeadline = .now() + (isQuiescing ? limits.drain : limits.idle)
                schedule(context)
            }
            let written = promise ?? context.eventLoop.makePromise()
            let this = NIOLoopBound(self, eventLoop: context.eventLoop)
            written.futureResult.whenComplete { _ in this.value.answerWritten() }
            context.write(data, promise: written)
            if closesAfterAnswer { endOutput(context) }
        default: context.write(data, promise: promise)
        }
    }

    private func answerWritten() {
        unwritten -= 1
        if unwritten <= 0 { writeDeadline = nil }
    }

    /// Ends the connection gently: what was written goes out, what still comes is thrown away for a while.
    private func endOutput(_ context: ChannelHandlerContext) {
        isClosing = true
        context.flush()
        context.close(mode: .output, promise: nil)
        readDeadline = .now() + limits.linger
        schedule(context)
    }

    // MARK: - Time

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            isQuiescing = true
            if openRequests == 0, !isReading, !isClosing {
                readDeadline = .now() + limits.drain
                schedule(context)
            }
        case ChannelEvent.inputClosed where isClosing: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private var deadline: NIODeadline? {
        guard let readDeadline, let writeDeadline else { return readDeadline ?? writeDeadline }
        return min(readDeadline, writeDeadline)
    }

    /// Sets the timer, where it is not set for an earlier time; it looks again at the deadline when it rings.
    private func schedule(_ context: ChannelHandlerContext) {
        guard let deadline, context.channel.isActive else { return }
        guard timer == nil || timerDeadline > deadline else { return }
        timer?.cancel()
        timerDeadline = deadline
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(deadline: deadline) {
            let (handler, context) = bound.value
            handler.ring(context)
        }
    }

    private func ring(_ context: ChannelHandlerContext) {
        timer = nil
        timerDeadline = .distantFuture
        guard let deadline else { return }
        guard deadline <= .now() else { return schedule(context) }
        if isReading, openRequests > 0, !isClosing, unwritten == 0, !wasSlow, refusal == nil {
            // The request is answered that its body came too slowly.
            wasSlow = true
            readDeadline = .now() + limits.linger
            schedule(context)
            context.fireErrorCaught(SlowBodyError())
        } else {
            context.close(promise: nil)
        }
    }
}
