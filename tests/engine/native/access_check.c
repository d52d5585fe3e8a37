/* Wine's AccessCheck on the cases of a file: "WISH HEX" a line in, an answer a line out.  tests/engine/wine_check.py builds and runs it.

   The token is this process's own, duplicated for impersonation; the first line says who that is.  The mapping is that of files. */
#include <windows.h>
#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static GENERIC_MAPPING files = {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS};

static void say_who(HANDLE token)
{
    static char buffer[65536];
    DWORD size, i;
    char *text;
    TOKEN_GROUPS *groups = (TOKEN_GROUPS *)buffer;

    GetTokenInformation(token, TokenUser, buffer, sizeof(buffer), &size);
    ConvertSidToStringSidA(((TOKEN_USER *)buffer)->User.Sid, &text);
    printf("who %s", text);
    GetTokenInformation(token, TokenGroups, buffer, sizeof(buffer), &size);
    for (i = 0; i < groups->GroupCount; i++)
    {
        ConvertSidToStringSidA(groups->Groups[i].Sid, &text);
        printf(" %s=%lx", text, groups->Groups[i].Attributes);
    }
    printf("\n");
}

int wmain(int count, wchar_t **words)
{
    static char line[400000];
    static unsigned char sd[200000];
    HANDLE process, token;
    DWORD wish, granted, length;
    BOOL status;
    size_t i, n;
    char *hex;
    FILE *cases;
    union { PRIVILEGE_SET set; char room[1024]; } privileges;

    if (count < 2 || !(cases = _wfopen(words[1], L"r"))) return 1;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY | TOKEN_DUPLICATE, &process)) return 2;
    if (!DuplicateToken(process, SecurityImpersonation, &token)) return 3;
    say_who(process);
    while (fgets(line, sizeof(line), cases))
    {
        wish = strtoul(line, &hex, 16);
        while (*hex == ' ') hex++;
        for (n = 0; hex[0] > ' ' && hex[1] > ' ' && n < sizeof(sd); n++, hex += 2)
        {
            char pair[3] = {hex[0], hex[1], 0};
            sd[n] = (unsigned char)strtoul(pair, NULL, 16);
        }
        length = sizeof(privileges);
        granted = 0;
        status = FALSE;
        SetLastError(0);
        if (!AccessCheck(sd, token, wish, &files, &privileges.set, &length, &granted, &status))
            printf("error %lu\n", GetLastError());
        else if (status)
            printf("yes 0x%lx\n", granted);
        else
            printf("no %lu\n", GetLastError());
        fflush(stdout);
    }
    return 0;
}
