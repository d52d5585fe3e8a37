/* kdhost.exe: a debugger around the genuine dbgeng.dll, as small as one can be.
 *
 *     kdhost -z DUMP | -k CONNECTION  COMMAND...
 *
 * Opens a dump file or a kernel connection ("com:pipe,port=\\.\pipe\NAME"), then runs each command as if typed.
 * Before a command comes a line "kd> COMMAND"; all that the engine prints goes to stdout as UTF-8.
 * Symbols are looked for where _NT_SYMBOL_PATH says: the engine reads that variable by itself.
 * The options are those of kd.exe, which cannot be had outside Microsoft's installers. */
#include <stdio.h>
#include <string.h>
#include "engine.h"

/* Where the engine's output goes. It asks for newer callback interfaces too, and calls through whatever it is
 * handed: say no to all but the one that is here. */
struct Output : IUnknown {
    bool line_is_open = false; /* the last character printed was no newline */

    STDMETHODIMP QueryInterface(REFIID id, void **out)
    {
        bool known = IsEqualGUID(id, IID_IUnknown) || IsEqualGUID(id, IID_OutputWide);
        *out = known ? this : NULL;
        return known ? S_OK : E_NOINTERFACE;
    }
    STDMETHODIMP_(ULONG) AddRef() { return 1; }
    STDMETHODIMP_(ULONG) Release() { return 1; }
    virtual HRESULT STDMETHODCALLTYPE Output_(ULONG mask, PCWSTR text)
    {
        (void)mask;
        print(utf8(text));
        return S_OK;
    }

    void print(const std::string &bytes)
    {
        if (bytes.empty())
            return;
        fwrite(bytes.data(), 1, bytes.size(), stdout);
        fflush(stdout); /* whoever waits for a live session reads line by line */
        line_is_open = bytes.back() != '\n';
    }
    void own_line(const std::string &bytes) { print((line_is_open ? "\n" : "") + bytes + "\n"); }
};

static Output output;

static int fail(const char *what, HRESULT result)
{
    char text[200];
    snprintf(text, sizeof text, "kdhost: %s failed, HRESULT 0x%08lx", what, (unsigned long)result);
    output.own_line(text);
    return 1;
}

static int run(int argc, wchar_t **argv)
{
    std::wstring dump, connection;
    int next = 1;
    for (; next + 1 < argc && argv[next][0] == L'-'; next += 2) {
        switch (argv[next][1]) {
        case L'z': dump = argv[next + 1]; break;
        case L'k': connection = argv[next + 1]; break;
        default: return fail("reading the options", E_INVALIDARG);
        }
    }
    if (dump.empty() == connection.empty())
        return fail("choosing one of -z and -k", E_INVALIDARG);

    IDebugClient5 *client;
    IDebugControl4 *control;
    HRESULT result = DebugCreate(IID_Client5, (void **)&client);
    if (FAILED(result))
        return fail("DebugCreate", result);
    client->QueryInterface(IID_Control4, (void **)&control);
    client->SetOutputCallbacksWide(&output);

    if (!dump.empty())
        result = client->OpenDumpFileWide(dump.c_str(), 0);
    else
        result = client->AttachKernelWide(DEBUG_ATTACH_KERNEL_CONNECTION, connection.c_str());
    if (FAILED(result))
        return fail("opening the target", result);
    /* On a live kernel any finite wait returns E_NOTIMPL and leaves a half-initialized target. */
    result = control->WaitForEvent(0, INFINITE);
    if (FAILED(result))
        return fail("waiting for the target to stop", result);

    for (; next < argc; next++) {
        output.own_line("kd> " + utf8(argv[next]));
        result = control->ExecuteWide(DEBUG_OUTCTL_ALL_CLIENTS, argv[next], DEBUG_EXECUTE_DEFAULT);
        if (FAILED(result))
            fail("the command", result);
    }
    return 0;
}

int wmain(int argc, wchar_t **argv)
{
    int status = run(argc, argv);
    fflush(stdout);
    /* Not a return: unloading pykd under the engine ends in a C++ exception nobody catches. */
    TerminateProcess(GetCurrentProcess(), status);
    return status;
}
