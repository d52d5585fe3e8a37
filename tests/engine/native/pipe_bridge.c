/* pipe_bridge.exe: the named pipe that a virtual machine's serial port is on a Windows host.
 *
 *     pipe_bridge \\.\pipe\NAME PORT CONTROL_PORT
 *
 * As VMware does with "serial0.pipe.endPoint = server": the pipe exists from the start, one debugger at a time may
 * open it, and when that one leaves, the next may.  Behind it is 127.0.0.1:PORT, one connection a debugger.
 * Ends when the connection to CONTROL_PORT does, so that it never outlives whoever started it. */
#include <winsock2.h>
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNK = 65536 };

static HANDLE pipe_handle;
static SOCKET machine;

static int failed(const wchar_t *what, unsigned long error)
{
    printf("pipe_bridge: %ls: error %lu\n", what, error);
    fflush(stdout);
    return 1;
}

static SOCKET connect_to(const wchar_t *port)
{
    struct sockaddr_in address = {0};
    BOOL on = TRUE;
    SOCKET made = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)_wtoi(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(made, (struct sockaddr *)&address, sizeof address)) {
        closesocket(made);
        return INVALID_SOCKET;
    }
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, (char *)&on, sizeof on);
    return made;
}

/* Reads and writes overlap, since the two directions of one pipe handle must not wait for each other. */
static BOOL transfer(BOOL write, char *data, DWORD size, DWORD *done)
{
    OVERLAPPED wait = {0};
    BOOL ok;
    wait.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    ok = write ? WriteFile(pipe_handle, data, size, NULL, &wait) : ReadFile(pipe_handle, data, size, NULL, &wait);
    if (ok || GetLastError() == ERROR_IO_PENDING)
        ok = GetOverlappedResult(pipe_handle, &wait, done, TRUE);
    CloseHandle(wait.hEvent);
    return ok;
}

static DWORD WINAPI from_debugger(void *unused)
{
    static char data[CHUNK];
    DWORD size;
    (void)unused;
    while (transfer(FALSE, data, sizeof data, &size) && size) {
        DWORD sent = 0;
        while (sent < size) {
            int now = send(machine, data + sent, size - sent, 0);
            if (now <= 0)
                break;
            sent += now;
        }
        if (sent < size)
            break;
    }
    shutdown(machine, SD_BOTH); /* wakes the other direction */
    return 0;
}

static void to_debugger(void)
{
    static char data[CHUNK];
    int size;
    while ((size = recv(machine, data, sizeof data, 0)) > 0) {
        DWORD sent = 0, now;
        while (sent < (DWORD)size) {
            if (!transfer(TRUE, data + sent, size - sent, &now))
                return;
            sent += now;
        }
    }
}

static DWORD WINAPI end_with_server(void *socket_handle)
{
    char byte;
    while (recv((SOCKET)socket_handle, &byte, 1, 0) > 0)
        ;
    ExitProcess(0);
}

static BOOL wait_for_debugger(void)
{
    OVERLAPPED wait = {0};
    DWORD unused;
    BOOL ok = TRUE;
    wait.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (!ConnectNamedPipe(pipe_handle, &wait)) {
        DWORD error = GetLastError();
        if (error == ERROR_IO_PENDING)
            ok = GetOverlappedResult(pipe_handle, &wait, &unused, TRUE);
        else
            ok = error == ERROR_PIPE_CONNECTED;
    }
    CloseHandle(wait.hEvent);
    return ok;
}

int wmain(int argc, wchar_t **argv)
{
    WSADATA data;
    SOCKET control;
    if (argc != 4)
        return failed(L"usage: pipe_bridge PIPE PORT CONTROL_PORT", ERROR_BAD_ARGUMENTS);
    if (WSAStartup(MAKEWORD(2, 2), &data))
        return failed(L"WSAStartup", WSAGetLastError());
    control = connect_to(argv[3]);
    if (control == INVALID_SOCKET)
        return failed(L"the control connection", WSAGetLastError());
    CreateThread(NULL, 0, end_with_server, (void *)control, 0, NULL);
    pipe_handle = CreateNamedPipeW(argv[1], PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
                                   PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT, 1, CHUNK, CHUNK, 0, NULL);
    if (pipe_handle == INVALID_HANDLE_VALUE)
        return failed(L"CreateNamedPipe", GetLastError());
    printf("ready\n");
    fflush(stdout);
    while (wait_for_debugger()) {
        HANDLE reader;
        machine = connect_to(argv[2]);
        if (machine == INVALID_SOCKET)
            return failed(L"the target's connection", WSAGetLastError());
        reader = CreateThread(NULL, 0, from_debugger, NULL, 0, NULL);
        to_debugger();
        CancelIoEx(pipe_handle, NULL);
        DisconnectNamedPipe(pipe_handle);
        WaitForSingleObject(reader, 2000);
        CloseHandle(reader);
        closesocket(machine);
    }
    return failed(L"ConnectNamedPipe", GetLastError());
}
